import { resolve } from 'node:path';
import { rosterHash } from '@wardround/protocols/enrolment/roster.ts';
import { rosterDifference, words } from '@wardround/protocols/enrolment/roster-difference.ts';
import { defineCommand } from 'citty';
import { readRosterDecisions } from '../../../roster/roster-decisions.ts';
import { pinnedChain } from '../../../state/pinned-roster.ts';
import { stateOption } from '../../options.ts';

const day = (millis: number) => new Date(millis).toISOString().slice(0, 10);

export const show = defineCommand({
  meta: { name: 'show', description: 'Says who is a member by the roster that this site has pinned, and what waits' },
  args: { state: stateOption },
  async run({ args }) {
    const folder = resolve(args.state);
    const newest = (await pinnedChain(folder)).at(-1)?.roster ?? null;
    if (newest === null) console.log('This site has pinned no roster yet: its client does so once it is admitted.');
    else {
      console.log(`Epoch ${newest.epoch}, ${rosterHash(newest)}`);
      for (const member of newest.sites) {
        console.log(`${member.site.padEnd(40)}  ${words(member)}  until ${day(member.notAfterMillis)}`);
      }
    }
    const { waiting, approved } = await readRosterDecisions(folder);
    if (waiting === null || waiting.epoch !== (newest?.epoch ?? 0) + 1) return;
    const isApproved = approved === rosterHash(waiting);
    console.log(`Epoch ${waiting.epoch} waits for members${isApproved ? '; it is approved here' : ''}:`);
    for (const line of rosterDifference(newest, waiting)) console.log(`  - ${line}`);
    if (!isApproved) console.log(`Approve it with: wardround-site roster approve ${waiting.epoch}`);
  },
});
