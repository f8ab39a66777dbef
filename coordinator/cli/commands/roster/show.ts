import { rosterHash } from '@wardround/protocols/enrolment/roster.ts';
import { rosterDifference, words } from '@wardround/protocols/enrolment/roster-difference.ts';
import { defineCommand } from 'citty';
import type { RosterShown } from '../../../edge/admin-messages.ts';
import { openAdminClient } from '../../admin-client.ts';
import { jsonArgument, stateArgument } from '../../arguments.ts';
import { print, printRows } from '../../print.ts';

const day = (millis: number) => new Date(millis).toISOString().slice(0, 10);

export const show = defineCommand({
  meta: { name: 'show', description: 'Show who is a member, with which keys, and what waits for members’ approval' },
  args: { ...stateArgument, ...jsonArgument },
  async run({ args }) {
    const admin = await openAdminClient(args.state);
    const { newest, proposal, waiting } = await admin.get<RosterShown>('/v1/admin/roster');
    if (args.json) return print(JSON.stringify({ newest, proposal, waiting }, null, 2));
    if (newest === null) print('There is no member yet.');
    else {
      print(`Epoch ${newest.epoch}, ${rosterHash(newest)}`);
      printRows([
        ['SITE', 'FROM', 'UNTIL', 'WORDS OF ITS KEYS'],
        ...newest.sites.map((member) => [
          member.site,
          day(member.notBeforeMillis),
          day(member.notAfterMillis),
          words(member),
        ]),
      ]);
    }
    if (proposal === null || waiting === null) return;
    print(`Epoch ${proposal.epoch} waits for the approval of ${waiting.count} of ${waiting.of.join(', ')}:`);
    for (const line of rosterDifference(newest, proposal)) print(`  ${line}`);
    print(`Approved by ${waiting.given.length === 0 ? 'nobody yet' : waiting.given.join(', ')}.`);
  },
});
