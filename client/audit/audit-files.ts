/** Where a site keeps its audit, in its own folder: the ledger of what left, its signed head, and the coordinator's log as last seen. */
import { join } from 'node:path';
import { LedgerHead, SignedLedgerHead } from '@wardround/protocols/audit/egress-head.ts';
import { z } from 'zod';
import type { StateFile } from '../state/state-file.ts';

export const AUDIT_REMEDY =
  'Restore the folder audit from a backup. If there is none, keep the folder elsewhere as evidence, remove it here and tell whoever is responsible for the site’s data: a new ledger begins.';

export function egressLedgerPath(folder: string): string {
  return join(folder, 'audit', 'egress.jsonl');
}

export const EGRESS_HEAD: StateFile<SignedLedgerHead> = {
  name: 'audit/egress-head.json',
  schema: SignedLedgerHead,
  remedy: AUDIT_REMEDY,
};

const SeenCheckpoint = z.strictObject({
  format: z.literal('wardround-seen-checkpoint/1'),
  /** The signed note of the newest checkpoint that this site has cosigned. */
  note: z.string().max(20_000),
  /** The head of this site's ledger that it showed with its cosignature. */
  ledger: LedgerHead,
});
export type SeenCheckpoint = z.infer<typeof SeenCheckpoint>;

export const SEEN_CHECKPOINT: StateFile<SeenCheckpoint> = {
  name: 'audit/seen-checkpoint.json',
  schema: SeenCheckpoint,
  remedy: AUDIT_REMEDY,
};
