/** Which studies this site has approved, by the hash of their plan, and which it has revoked. Nothing runs that is not approved here. */
import { Sha256, TimeMillis } from '@wardround/protocols/names.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { z } from 'zod';
import { readStateFile, type StateFile, writeStateFile } from '../state/state-file.ts';

const Decision = z.strictObject({ study: Sha256, atMillis: TimeMillis });

const Approvals = z.strictObject({
  format: z.literal('wardround-site-approvals/1'),
  approved: z.array(Decision).max(10_000),
  /** Approvals that were taken back. They count also where every study is approved. */
  revoked: z.array(Decision).max(10_000).default([]),
});
type Approvals = z.infer<typeof Approvals>;

const APPROVALS: StateFile<Approvals> = {
  name: 'approvals.json',
  schema: Approvals,
  remedy: 'Remove the file and approve each study again with "wardround-site study approve HASH".',
};

/** `listed`: only studies approved by their hash. `any`: every study of the pinned coordinator, as the site chose at start. */
export type ApprovalRule = 'listed' | 'any';

async function readApprovals(folder: string): Promise<Approvals> {
  return (
    (await readStateFile(folder, APPROVALS)) ?? { format: 'wardround-site-approvals/1', approved: [], revoked: [] }
  );
}

const names = (study: Sha256Hex) => (decision: { study: Sha256Hex }) => decision.study === study;

/** @throws {DamagedStateError} when the list cannot be read: a damaged list approves nothing. */
export async function isApproved(
  study: Sha256Hex,
  { folder, rule }: { folder: string; rule: ApprovalRule },
): Promise<boolean> {
  const { approved, revoked } = await readApprovals(folder);
  return rule === 'any' ? !revoked.some(names(study)) : approved.some(names(study));
}

/** @throws {DamagedStateError} */
export async function isRevoked(study: Sha256Hex, folder: string): Promise<boolean> {
  return (await readApprovals(folder)).revoked.some(names(study));
}

/** The approved studies, the latest last. */
export async function listApproved(folder: string): Promise<Sha256Hex[]> {
  return (await readApprovals(folder)).approved.map(({ study }) => study);
}

/** Approves the study; approving it again changes nothing. */
export async function approveStudy(
  study: Sha256Hex,
  { folder, nowMillis }: { folder: string; nowMillis: number },
): Promise<void> {
  const { approved, revoked, ...rest } = await readApprovals(folder);
  if (approved.some(names(study))) return;
  await writeStateFile(folder, APPROVALS, {
    ...rest,
    approved: [...approved, { study, atMillis: nowMillis }],
    revoked: revoked.filter((decision) => !names(study)(decision)),
  });
}

/** Takes the approval back, or refuses a study that was never approved. */
export async function revokeStudy(
  study: Sha256Hex,
  { folder, nowMillis }: { folder: string; nowMillis: number },
): Promise<void> {
  const { approved, revoked, ...rest } = await readApprovals(folder);
  await writeStateFile(folder, APPROVALS, {
    ...rest,
    approved: approved.filter((decision) => !names(study)(decision)),
    revoked: revoked.some(names(study)) ? revoked : [...revoked, { study, atMillis: nowMillis }],
  });
}
