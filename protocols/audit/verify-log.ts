/**
 * Checks the coordinator's log against its checkpoints, the sites' cosignatures and, when there are any, checkpoints that
 * others kept. Pure and offline.
 */
import { verifyChain } from '@wardround/shared/crypto/hash-chain.ts';
import { growTree, leafHash } from '@wardround/shared/crypto/merkle-tree.ts';
import { type AuditFault, chainFault } from './audit-fault.ts';
import { type Checkpoint, type LogIdentity, openCheckpoint, witnessKey } from './checkpoint.ts';
import { isSignedLedgerHead } from './egress-head.ts';
import { LogRecord } from './log-record.ts';
import { isSignedPrivacyHead } from './privacy-head.ts';
import { cosignedAt } from './signed-note.ts';

export type LogFinding =
  | {
      readonly ok: true;
      readonly records: readonly LogRecord[];
      readonly checkpoints: number;
      readonly cosignatures: number;
    }
  | { readonly ok: false; readonly fault: AuditFault };

export interface LogEvidence {
  readonly log: LogIdentity;
  /** The signed notes that lie beside the log. */
  readonly checkpoints: readonly string[];
  /** Signed notes of checkpoints that sites have seen, from their own folders. */
  readonly seenElsewhere?: readonly string[];
}

/** @param lines of the log, without line breaks. */
export function verifyLog(lines: readonly string[], evidence: LogEvidence): LogFinding {
  const chain = verifyChain(lines);
  if (!chain.ok) return { ok: false, fault: chainFault(chain.fault, LOG) };
  const records: LogRecord[] = [];
  for (const [index, record] of chain.records.entries()) {
    const parsed = LogRecord.safeParse(record);
    if (!parsed.success) return { ok: false, fault: chainFault({ kind: 'unreadable', line: index + 1 }, LOG) };
    records.push(parsed.data);
  }
  const { log, checkpoints, seenElsewhere = [] } = evidence;
  const opened: SeenCheckpoint[] = [];
  for (const [index, note] of [...checkpoints, ...seenElsewhere].entries()) {
    const checkpoint = openOrNull(note, log);
    if (checkpoint === null) {
      return {
        ok: false,
        fault: { kind: 'bad-signature', sentence: 'A checkpoint is not signed by this coordinator.' },
      };
    }
    opened.push({ ...checkpoint, isOwn: index < checkpoints.length });
  }
  const checkpointFault = findCheckpointFault(lines, opened);
  if (checkpointFault !== null) return { ok: false, fault: checkpointFault };
  let cosignatures = 0;
  for (const checkpoint of opened.filter(({ isOwn }) => isOwn)) {
    const valid = countCosignatures(checkpoint, { records, log });
    if (valid === null) {
      const sentence = `A cosignature under the checkpoint of ${checkpoint.size} records is not by a site that was admitted.`;
      return { ok: false, fault: { kind: 'bad-signature', sentence } };
    }
    cosignatures += valid;
  }
  const fault = findLedgerFault(records);
  return fault === null ? { ok: true, records, checkpoints: checkpoints.length, cosignatures } : { ok: false, fault };
}

const LOG = "the coordinator's log";

function openOrNull(note: string, log: LogIdentity): Checkpoint | null {
  try {
    return openCheckpoint(note, log);
  } catch {
    return null;
  }
}

interface SeenCheckpoint extends Checkpoint {
  /** Lies beside the log, not with a site. */
  readonly isOwn: boolean;
}

function findCheckpointFault(lines: readonly string[], checkpoints: readonly SeenCheckpoint[]): AuditFault | null {
  const tree = growTree();
  // The log's own come first: they tell a log that was cut from one that was put back with its checkpoints.
  const inOrder = checkpoints.toSorted((a, b) => Number(b.isOwn) - Number(a.isOwn));
  const beyond = inOrder.find(({ size }) => size > lines.length);
  if (beyond !== undefined) return shortened(beyond, lines.length);
  for (const { size, root, isOwn } of checkpoints.toSorted((a, b) => a.size - b.size)) {
    while (tree.size() < size) tree.add(leafHash(Buffer.from(lines[tree.size()]!)));
    if (Buffer.compare(tree.root(), root) === 0) continue;
    const who = isOwn ? 'the coordinator signed' : 'a site has seen';
    const sentence = `The history in ${LOG} is forked: its first ${size} records are not those of a checkpoint that ${who}.`;
    return { kind: 'forked', sentence };
  }
  return null;
}

function shortened({ size, isOwn }: SeenCheckpoint, found: number): AuditFault {
  if (!isOwn) {
    const sentence = `The coordinator's log was rolled back: a site has seen it with ${size} records, found ${found}.`;
    return { kind: 'rolled-back', sentence };
  }
  const sentence = `The end of ${LOG} was cut off: a checkpoint stands for ${size} records, found ${found}.`;
  return { kind: 'truncated', sentence };
}

/** Null when a cosignature is nobody's. A site may have had several keys. */
function countCosignatures(
  { note }: Checkpoint,
  { records, log }: { readonly records: readonly LogRecord[]; readonly log: LogIdentity },
): number | null {
  const witnesses = records.flatMap((record) => (record.kind === 'site-admitted' ? [witnessKey(log, record)] : []));
  const valid = new Set(witnesses.filter((key) => cosignedAt(note, key) !== null).map(({ name }) => name));
  return valid.size === note.signatures.length - 1 ? valid.size : null;
}

/** A site whose ledger became shorter, or whose head it did not sign. */
function findLedgerFault(records: readonly LogRecord[]): AuditFault | null {
  const keys = new Map<string, string[]>();
  const sent = new Map<string, number>();
  const charges = new Map<string, number>();
  for (const record of records) {
    if (record.kind === 'study-event' || record.kind === 'evidence') continue;
    const { site } = record;
    if (record.kind === 'site-admitted') {
      keys.set(site, [...(keys.get(site) ?? []), record.signingKey]);
      continue;
    }
    const { ledger } = record;
    const isPrivacy = ledger.format === 'wardround-privacy-head/1';
    const isSigned = (key: string): boolean =>
      isPrivacy ? isSignedPrivacyHead(ledger, key) : isSignedLedgerHead(ledger, key);
    if (!(keys.get(site) ?? []).some(isSigned)) {
      const sentence = `Record ${record.seq + 1} of ${LOG} holds a ledger head that site ${site} did not sign.`;
      return { kind: 'bad-signature', sentence };
    }
    const sizes = isPrivacy ? charges : sent;
    const before = sizes.get(site) ?? 0;
    if (ledger.size < before) {
      const sentence = `Site ${site} rolled its ${isPrivacy ? 'privacy' : 'egress'} ledger back: it showed ${before} records and then ${ledger.size}.`;
      return { kind: 'rolled-back', sentence };
    }
    sizes.set(site, ledger.size);
  }
  return null;
}
