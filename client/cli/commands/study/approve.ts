import { defineCommand } from 'citty';
import { approveStudy } from '../../../policy/approvals.ts';
import { planSummary } from '../../../policy/plan-summary.ts';
import { requireFloors } from '../../../policy/require-floors.ts';
import { readPolicy } from '../../../policy/site-policy.ts';
import { spentBefore } from '../../../policy/spent-before.ts';
import { readOfferedStudy } from '../../../state/offered-studies.ts';
import { openSiteFolder } from '../../../state/site-folder.ts';
import { findStudy } from '../../find-study.ts';
import { stateOption } from '../../options.ts';

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
    const offered = await readOfferedStudy(folder, study);
    const policy = await readPolicy(folder);
    const facts = offered === null ? {} : await spentBefore(offered.plan, folder);
    if (offered !== null) requireFloors(offered.plan, policy, facts);
    await approveStudy(study, { folder, nowMillis: Date.now() });
    const lines =
      offered === null
        ? [`Study ${study}, not offered yet: it will be held against this site’s policy when it is.`]
        : planSummary(offered.plan, { policy, ...facts });
    for (const line of lines) console.log(line);
    console.log('Approved. A running client takes part from now on.');
  },
});
