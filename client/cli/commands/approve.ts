import { defineCommand } from 'citty';
import { approveStudy } from '../../policy/approvals.ts';
import { planSummary } from '../../policy/plan-summary.ts';
import { readOfferedStudy } from '../../state/offered-studies.ts';
import { openSiteFolder } from '../../state/site-folder.ts';
import { findStudy } from '../find-study.ts';
import { stateOption } from '../options.ts';

export const approve = defineCommand({
  meta: { name: 'approve', description: 'Lets this site take part in a study' },
  args: {
    hash: {
      type: 'positional',
      description: 'The plan hash; of an offered study its first 8 digits are enough',
      required: true,
    },
    state: stateOption,
  },
  async run({ args }) {
    const folder = await openSiteFolder(args.state);
    const study = await findStudy(args.hash, folder);
    await approveStudy(study, { folder, nowMillis: Date.now() });
    const offered = await readOfferedStudy(folder, study);
    for (const line of offered === null ? [`Study ${study}, not offered yet`] : planSummary(offered.plan))
      console.log(line);
    console.log('Approved. A running client takes part from now on.');
  },
});
