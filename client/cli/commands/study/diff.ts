import { resolve } from 'node:path';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { defineCommand } from 'citty';
import { listApproved } from '../../../policy/approvals.ts';
import { planDifference } from '../../../policy/plan-difference.ts';
import { readOfferedStudy } from '../../../state/offered-studies.ts';
import { UsageError } from '../../exit-codes.ts';
import { stateOption } from '../../options.ts';
import { hashArgument, requireOffered } from './require-offered.ts';

/** The study approved last, of the same name if there is one: what a new version most likely replaces. */
async function approvedBefore({ study, name }: { study: Sha256Hex; name: string }, folder: string): Promise<Sha256Hex> {
  const approved: { hash: Sha256Hex; name: string }[] = [];
  for (const hash of await listApproved(folder)) {
    const offered = hash === study ? null : await readOfferedStudy(folder, hash);
    if (offered !== null) approved.push({ hash, name: offered.plan.name });
  }
  const found = approved.findLast((candidate) => candidate.name === name) ?? approved.at(-1);
  if (found !== undefined) return found.hash;
  throw new UsageError(
    'Cannot compare: this site has approved no other study yet. Read it with "wardround-site study show".',
  );
}

export const diff = defineCommand({
  meta: { name: 'diff', description: 'Says in plain words what a study changes in one that was approved' },
  args: {
    hash: hashArgument,
    against: {
      type: 'positional',
      required: false,
      description: 'The study to compare with; the one approved last unless given',
    },
    state: stateOption,
  },
  async run({ args }) {
    const folder = resolve(args.state);
    const { study, plan } = await requireOffered(args.hash, folder);
    const before = await requireOffered(
      args.against ?? (await approvedBefore({ study, name: plan.name }, folder)),
      folder,
    );
    console.log(`What ${plan.name} ${study.slice(0, 12)} changes in ${before.plan.name} ${before.study.slice(0, 12)}:`);
    const lines = planDifference(before.plan, plan);
    for (const line of lines.length === 0 ? ['Nothing.'] : lines) console.log(`  - ${line}`);
  },
});
