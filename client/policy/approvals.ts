/** Which studies this site has approved, by the hash of their plan. Nothing runs that is not approved here. */
import { Sha256, TimeMillis } from '@wardround/protocols/names.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { z } from 'zod';
import { readStateFile, type StateFile, writeStateFile } from '../state/state-file.ts';

const Approvals = z.strictObject({
  format: z.literal('wardround-site-approvals/1'),
  approved: z.array(z.strictObject({ study: Sha256, atMillis: TimeMillis })).max(10_000),
});
type Approvals = z.infer<typeof Approvals>;

const APPROVALS: StateFile<Approvals> = {
  name: 'approvals.json',
  schema: Approvals,
  remedy: 'Remove the file and approve each study again with "wardround-site approve HASH".',
};

/** `listed`: only studies approved by their hash. `any`: every study of the pinned coordinator, as the site chose at start. */
export type ApprovalRule = 'listed' | 'any';

async function readApprovals(folder: string): Promise<Approvals> {
  return (await readStateFile(folder, APPROVALS)) ?? { format: 'wardround-site-approvals/1', approved: [] };
}

/** @throws {DamagedStateError} when the list cannot be read: a damaged list approves nothing. */
export async function isApproved(
  study: Sha256Hex,
  { folder, rule }: { folder: string; rule: ApprovalRule },
): Promise<boolean> {
  if (rule === 'any') return true;
  return (await readApprovals(folder)).approved.some((approval) => approval.study === study);
}

/** Approves the study; approving it again changes nothing. */
export async function approveStudy(
  study: Sha256Hex,
  { folder, nowMillis }: { folder: string; nowMillis: number },
): Promise<void> {
  const approvals = await readApprovals(folder);
  if (approvals.approved.some((approval) => approval.study === study)) return;
  await writeStateFile(folder, APPROVALS, {
    ...approvals,
    approved: [...approvals.approved, { study, atMillis: nowMillis }],
  });
}
