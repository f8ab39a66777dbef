import { resolve } from 'node:path';
import { defineCommand } from 'citty';
import { isApproved } from '../../../policy/approvals.ts';
import { planSummary } from '../../../policy/plan-summary.ts';
import { readPolicy } from '../../../policy/site-policy.ts';
import { spentBefore } from '../../../policy/spent-before.ts';
import { stateOption } from '../../options.ts';
import { hashArgument, requireOffered } from './require-offered.ts';

export const show = defineCommand({
  meta: { name: 'show', description: 'Says in plain words what a study reads, what it sends and what protects it' },
  args: { hash: hashArgument, state: stateOption },
  async run({ args }) {
    const folder = resolve(args.state);
    const { study, plan } = await requireOffered(args.hash, folder);
    const facts = { policy: await readPolicy(folder), ...(await spentBefore(plan, folder)) };
    for (const line of planSummary(plan, facts)) console.log(line);
    const approved = await isApproved(study, { folder, rule: 'listed' });
    console.log(approved ? 'This site has approved it.' : `Approve it with: wardround-site study approve ${study}`);
  },
});
