/**
 * Append-only records, one JSON line each, in which every record holds the hash of the one before it: who knows the last
 * hash knows all of them.
 *
 * A chain shows by itself that a record inside it was changed, removed, moved or doubled. That its end was cut off, or the
 * whole of it written anew, only a hash kept elsewhere shows: callers compare the head with a signed one.
 */
import { canonicalJson } from '../bytes/canonical-json.ts';
import { hashOfJson, type Sha256Hex } from '../bytes/hash.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';

/** What the first record holds as the hash of the one before it. */
export const CHAIN_START: Sha256Hex = '0'.repeat(64);

export interface ChainRecord {
  /** The first record has 0. */
  readonly seq: number;
  readonly [member: string]: unknown;
}

export interface ChainedRecord extends ChainRecord {
  readonly prevHash: Sha256Hex;
  readonly hash: Sha256Hex;
}

type ChainFaultKind = 'unreadable' | 'edited' | 'deleted' | 'reordered' | 'forked';

export interface ChainFault {
  readonly kind: ChainFaultKind;
  /** The line, counted from 1, at which the fault shows. */
  readonly line: number;
}

export type ChainFinding =
  | { readonly ok: true; readonly records: readonly ChainedRecord[]; readonly head: Sha256Hex }
  | { readonly ok: false; readonly fault: ChainFault };

/** The line to append (with its line break) and the hash that the next record will hold. */
export function appendRecord(previousHash: Sha256Hex, record: ChainRecord): { line: string; hash: Sha256Hex } {
  const linked = { ...record, prevHash: previousHash };
  const hash = hashOfJson(DOMAIN, linked);
  return { line: `${canonicalJson({ ...linked, hash })}\n`, hash };
}

/** @param lines without their line breaks. */
export function verifyChain(lines: readonly string[]): ChainFinding {
  const records: ChainedRecord[] = [];
  for (const [index, line] of lines.entries()) {
    const record = readRecord(line);
    if (record === null) return fault('unreadable', index);
    const { hash, ...linked } = record;
    // A line has one spelling only, so that what is read is all that was written.
    if (hashOfJson(DOMAIN, linked) !== hash || canonicalJson(record) !== line) return fault('edited', index);
    records.push(record);
  }
  return findBreak(records) ?? { ok: true, records, head: records.at(-1)?.hash ?? CHAIN_START };
}

const DOMAIN = 'chain-record/1';
const HASH = /^[0-9a-f]{64}$/;

function fault(kind: ChainFaultKind, index: number): ChainFinding {
  return { ok: false, fault: { kind, line: index + 1 } };
}

function readRecord(line: string): ChainedRecord | null {
  let record: unknown;
  try {
    record = parseStrictJson(line);
  } catch {
    return null;
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return null;
  const { seq, prevHash, hash } = record as Partial<ChainedRecord>;
  const isChained = Number.isSafeInteger(seq) && HASH.test(String(prevHash)) && HASH.test(String(hash));
  return isChained ? (record as ChainedRecord) : null;
}

/** Every record by itself is whole; what is wrong between them shows in their numbers, and failing that in their links. */
function findBreak(records: readonly ChainedRecord[]): ChainFinding | null {
  const at = records.findIndex(({ seq, prevHash }, index) => {
    return seq !== index || prevHash !== (records[index - 1]?.hash ?? CHAIN_START);
  });
  if (at === -1) return null;
  const { seq } = records[at]!;
  // With the right number but another link, the record before it was replaced by one that is whole by itself.
  if (seq === at) return fault('edited', Math.max(0, at - 1));
  if (records.slice(0, at).some((earlier) => earlier.seq === seq)) return fault('forked', at);
  return fault(records.slice(at).some((later) => later.seq === at) ? 'reordered' : 'deleted', at);
}
