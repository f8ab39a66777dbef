/** Reads and checks a site's audit from its folder, beside a running client or without one. Nothing is sent or changed. */
import { readFile } from 'node:fs/promises';
import { openCheckpoint } from '@wardround/protocols/audit/checkpoint.ts';
import type { EgressRecord } from '@wardround/protocols/audit/egress-record.ts';
import { type EgressFinding, verifyEgress } from '@wardround/protocols/audit/verify-egress.ts';
import { publicKeys } from '@wardround/shared/crypto/identity.ts';
import { readMembership } from '../state/membership.ts';
import { readSiteIdentity } from '../state/site-identity.ts';
import { readStateFile } from '../state/state-file.ts';
import { EGRESS_HEAD, egressLedgerPath, SEEN_CHECKPOINT } from './audit-files.ts';

export interface SiteAudit {
  readonly finding: EgressFinding;
  /** The newest checkpoint seen of the coordinator's log; null for none. */
  readonly checkpoint: { readonly size: number; readonly note: string } | null;
}

/** @throws {DamagedStateError | Error} when the folder is no site's or a file in it is no audit's. */
export async function readAudit(folder: string): Promise<SiteAudit> {
  const identity = await readSiteIdentity(folder);
  if (identity === null) {
    throw new Error('Cannot read the audit: this folder holds no site’s keys. Name the site’s folder with --state.');
  }
  const seen = await readStateFile(folder, SEEN_CHECKPOINT);
  const { lines, head } = await readUndisturbed(folder);
  const { signingKey } = publicKeys(identity);
  const finding = verifyEgress(lines, { head, shown: seen?.ledger ?? null, signingKey });
  const membership = await readMembership(folder);
  if (seen === null || membership === null) return { finding, checkpoint: null };
  try {
    const { size } = openCheckpoint(seen.note, membership.coordinator);
    return { finding, checkpoint: { size, note: seen.note } };
  } catch {
    const sentence = `The checkpoint in ${SEEN_CHECKPOINT.name} is not the coordinator’s: it was damaged or replaced.`;
    return { finding: { ok: false, fault: { kind: 'bad-signature', sentence } }, checkpoint: null };
  }
}

/**
 * What left, once it is sure that the record of it is whole.
 *
 * @throws {Error} that says what is wrong and where.
 */
export function requireWhole({ finding }: SiteAudit): readonly EgressRecord[] {
  if (finding.ok) return finding.records;
  throw new Error(`Cannot vouch for the record of what left this site. ${finding.fault.sentence}`);
}

/** The ledger as it was when its head was the one that is returned: a running client may write meanwhile. */
async function readUndisturbed(folder: string) {
  for (;;) {
    const head = await readStateFile(folder, EGRESS_HEAD);
    const text = await readLedger(folder);
    const after = await readStateFile(folder, EGRESS_HEAD);
    // What follows the last line break is still being written, or was when the power went.
    if (head?.size === after?.size) return { lines: text.split('\n').slice(0, -1), head };
  }
}

async function readLedger(folder: string): Promise<string> {
  try {
    return await readFile(egressLedgerPath(folder), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
