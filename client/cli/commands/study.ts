import { resolve } from 'node:path';
import { defineCommand } from 'citty';
import { isApproved } from '../../policy/approvals.ts';
import { planSummary } from '../../policy/plan-summary.ts';
import { listOfferedStudies, readOfferedStudy } from '../../state/offered-studies.ts';
import { UsageError } from '../exit-codes.ts';
import { findStudy } from '../find-study.ts';
import { stateOption } from '../options.ts';

async function list(folder: string): Promise<void> {
  const studies = await listOfferedStudies(folder);
  if (studies.length === 0) console.log('No study has been offered to this site yet.');
  for (const hash of studies) {
    const offered = await readOfferedStudy(folder, hash);
    if (offered === null) continue;
    const approved = await isApproved(hash, { folder, rule: 'listed' });
    const since = new Date(offered.offeredAtMillis).toISOString().slice(0, 10);
    console.log(`${hash}  ${approved ? 'approved    ' : 'not approved'}  offered ${since}  ${offered.plan.name}`);
  }
}

export const study = defineCommand({
  meta: { name: 'study', description: 'Lists the studies that were offered, or says in plain words what one does' },
  args: {
    hash: { type: 'positional', required: false, description: 'The plan hash or its first 8 digits' },
    state: stateOption,
  },
  async run({ args }) {
    const folder = resolve(args.state);
    if (args.hash === undefined) return list(folder);
    const hash = await findStudy(args.hash, folder);
    const offered = await readOfferedStudy(folder, hash);
    if (offered === null) {
      throw new UsageError(
        'Cannot show the study: none with this hash was offered. "wardround-site study" lists what is.',
      );
    }
    for (const line of planSummary(offered.plan)) console.log(line);
    const approved = await isApproved(hash, { folder, rule: 'listed' });
    console.log(approved ? 'This site has approved it.' : `Approve it with: wardround-site approve ${hash}`);
  },
});
