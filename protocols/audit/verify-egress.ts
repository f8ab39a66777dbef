/**
 * Checks a site's egress ledger against what was signed of it. Pure and offline.
 *
 * The chain shows what was changed inside; the head that the site signed last shows an end cut off or a history written
 * anew; the head that the site showed when it last cosigned the coordinator's log, of which the coordinator keeps a copy,
 * shows a ledger that was put back to an older state together with its head.
 */
import { verifyChain } from '@wardround/shared/crypto/hash-chain.ts';
import { type AuditFault, chainFault } from './audit-fault.ts';
import { isSignedLedgerHead, type LedgerHead, type SignedLedgerHead } from './egress-head.ts';
import { EgressRecord } from './egress-record.ts';

export type EgressFinding =
  | { readonly ok: true; readonly records: readonly EgressRecord[] }
  | { readonly ok: false; readonly fault: AuditFault };

/** @param lines of the ledger, without line breaks and without a torn last one. */
export function verifyEgress(
  lines: readonly string[],
  evidence: {
    /** Null when there is none. */
    readonly head: SignedLedgerHead | null;
    /** The head that was shown last; null when none was. */
    readonly shown: LedgerHead | null;
    /** The site's ed25519 key, base64url. */
    readonly signingKey: string;
  },
): EgressFinding {
  const { head, shown, signingKey } = evidence;
  const chain = verifyChain(lines);
  if (!chain.ok) return { ok: false, fault: chainFault(chain.fault, LEDGER) };
  const records: EgressRecord[] = [];
  for (const [index, record] of chain.records.entries()) {
    const parsed = EgressRecord.safeParse(record);
    if (!parsed.success) return { ok: false, fault: chainFault({ kind: 'unreadable', line: index + 1 }, LEDGER) };
    records.push(parsed.data);
  }
  const fault = findHeadFault(records, { head, signingKey }) ?? findShownFault(records, shown);
  return fault === null ? { ok: true, records } : { ok: false, fault };
}

const LEDGER = 'the egress ledger';

function findHeadFault(
  records: readonly EgressRecord[],
  { head, signingKey }: { readonly head: SignedLedgerHead | null; readonly signingKey: string },
): AuditFault | null {
  const size = head?.size ?? 0;
  if (head !== null && !isSignedLedgerHead(head, signingKey)) {
    return { kind: 'bad-signature', sentence: `The head of ${LEDGER} does not carry this site's signature.` };
  }
  if (records.length < size) {
    const sentence = `The end of ${LEDGER} was cut off: ${size} records were signed, found ${records.length}.`;
    return { kind: 'truncated', sentence };
  }
  if (head !== null && size > 0 && records[size - 1]?.hash !== head.hash) {
    return {
      kind: 'forked',
      sentence: `${REWRITTEN} record ${size} is not the one that this site signed as its last.`,
    };
  }
  // One record may be on the disk whose signature was not written any more when the power went.
  if (records.length > size + 1) {
    const sentence = `The end of ${LEDGER} is not this site's: ${size} records were signed, found ${records.length}.`;
    return { kind: 'bad-signature', sentence };
  }
  return null;
}

const REWRITTEN = `The history in ${LEDGER} is forked:`;

function findShownFault(records: readonly EgressRecord[], shown: LedgerHead | null): AuditFault | null {
  if (shown === null || shown.size === 0) return null;
  if (records.length < shown.size) {
    const sentence =
      `The egress ledger was rolled back: it had ${shown.size} records when this site last cosigned the coordinator's log, ` +
      `found ${records.length}.`;
    return { kind: 'rolled-back', sentence };
  }
  if (records[shown.size - 1]?.hash === shown.hash) return null;
  return {
    kind: 'forked',
    sentence: `${REWRITTEN} record ${shown.size} is not the one that was shown to the coordinator.`,
  };
}
