/** Where a site keeps its audit, in its own folder: the ledger of what left, its signed head, and the coordinator's log as last seen. */
import { join } from 'node:path';
import { LedgerHead, SignedLedgerHead } from '@wardround/protocols/audit/egress-head.ts';
import type { CheckpointAnswer } from '@wardround/protocols/audit/messages.ts';
import { DocumentEvidence } from '@wardround/protocols/audit/verify-document-evidence.ts';
import { Bytes32, TimeMillis } from '@wardround/protocols/names.ts';
import { hashOfJson } from '@wardround/shared/bytes/hash.ts';
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

const LogEvidence = z.strictObject({
  format: z.literal('wardround-log-evidence/1'),
  atMillis: TimeMillis,
  code: z.string().max(40),
  /** The signed notes that cannot both be true. */
  seen: z.string().max(20_000).nullable(),
  offered: z.string().max(20_000).nullable(),
  /** The proof that came with the offered one. */
  consistency: z.array(Bytes32).max(64),
});
export type LogEvidence = z.infer<typeof LogEvidence>;

/** Where it is kept that the coordinator signed two documents of a session for this address. */
export function documentEvidence(path: string): StateFile<DocumentEvidence> {
  const name = `audit/evidence-${hashOfJson('document-evidence/1', path).slice(0, 16)}.json`;
  return { name, schema: DocumentEvidence, remedy: AUDIT_REMEDY };
}

/** Where the evidence against the coordinator's answer is kept: the same answer again needs no second file. */
export function logEvidence(answer: CheckpointAnswer): StateFile<LogEvidence> {
  const name = `audit/evidence-${hashOfJson('log-evidence/1', answer).slice(0, 16)}.json`;
  return { name, schema: LogEvidence, remedy: AUDIT_REMEDY };
}
