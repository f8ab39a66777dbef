/** The heads of all ledgers as the coordinator's log has them, for the report: who keeps a report can hold later audits against them. */
import { openCheckpoint } from '@wardround/protocols/audit/checkpoint.ts';
import { verifyLog } from '@wardround/protocols/audit/verify-log.ts';
import { fingerprint, type PublicKeys } from '@wardround/shared/crypto/identity.ts';
import type { StoredAudit } from '../audit/read-audit.ts';
import type { LedgerHeads } from './study-record.ts';

/**
 * Of the newest checkpoint that a site has cosigned, or the newest one where none has; null before the first.
 *
 * @throws {Error} when the log is not what was written: no report vouches for it.
 */
export function ledgerHeads({ lines, checkpoints: notes }: StoredAudit, keys: PublicKeys): LedgerHeads | null {
  const log = { fingerprint: fingerprint(keys), signingKey: keys.signingKey };
  const finding = verifyLog(lines, { log, checkpoints: notes });
  if (!finding.ok)
    throw new Error(`Cannot report the ledgers: ${finding.fault.sentence} Run "wardround-coordinator audit verify".`);
  const checkpoints = notes.map((note) => openCheckpoint(note, log)).sort((a, b) => a.size - b.size);
  const newest = checkpoints.findLast(({ note }) => note.signatures.length > 1) ?? checkpoints.at(-1);
  if (newest === undefined) return null;
  const sites = new Map<string, LedgerHeads['sites'][number]>();
  for (const record of finding.records) {
    if (record.kind !== 'site-ledger' && record.kind !== 'site-privacy-ledger') continue;
    const { site, ledger } = record;
    const head = { records: ledger.size, hash: ledger.hash };
    const before = sites.get(site) ?? { site, egress: null, privacy: null };
    sites.set(site, record.kind === 'site-ledger' ? { ...before, egress: head } : { ...before, privacy: head });
  }
  return {
    coordinatorLog: {
      records: newest.size,
      root: Buffer.from(newest.root).toString('hex'),
      cosignatures: newest.note.signatures.length - 1,
    },
    sites: [...sites.values()].sort((a, b) => (a.site < b.site ? -1 : 1)),
  };
}
