import { rosterHash } from '@wardround/protocols/enrolment/roster.ts';
import { rosterDifference } from '@wardround/protocols/enrolment/roster-difference.ts';
import { defineCommand } from 'citty';
import { readRosterDecisions, writeRosterDecisions } from '../../../roster/roster-decisions.ts';
import { pinnedChain } from '../../../state/pinned-roster.ts';
import { openSiteFolder } from '../../../state/site-folder.ts';
import { UsageError } from '../../exit-codes.ts';
import { stateOption } from '../../options.ts';

export const approve = defineCommand({
  meta: { name: 'approve', description: 'Approves the roster’s next epoch: who joins, changes keys or leaves' },
  args: {
    epoch: { type: 'positional', required: true, description: 'The number of the epoch that waits' },
    state: stateOption,
  },
  async run({ args }) {
    const folder = await openSiteFolder(args.state);
    const { waiting } = await readRosterDecisions(folder);
    if (waiting === null || String(waiting.epoch) !== args.epoch) {
      throw new UsageError(
        `Cannot approve: ${waiting === null ? 'no epoch waits' : `epoch ${waiting.epoch} waits`}. See "wardround-site roster show".`,
      );
    }
    const newest = (await pinnedChain(folder)).at(-1)?.roster ?? null;
    for (const line of rosterDifference(newest, waiting)) console.log(line);
    await writeRosterDecisions(folder, { approved: rosterHash(waiting) });
    console.log('Approved. A running client tells the coordinator so.');
  },
});
