import { appendRecord, CHAIN_START } from '@wardround/shared/crypto/hash-chain.ts';
import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { describe, expect, test } from 'vitest';
import { type SignedLedgerHead, signLedgerHead } from './egress-head.ts';
import { egressRecord } from './egress-record.ts';
import { verifyEgress } from './verify-egress.ts';

const identity = generateIdentity();
const { signingKey } = publicKeys(identity);
const hash = 'a'.repeat(64);

function ledgerOf(rounds: readonly number[]): string[] {
  let previous = CHAIN_START;
  return rounds.map((round, seq) => {
    const entry = { purpose: 'training', what: 'sealed-update', bytes: 9, sha256: hash, destination: hash } as const;
    const record = egressRecord({ ...entry, study: hash, stage: 's', round, epsilon: null }, { seq, atMillis: 5 });
    const appended = appendRecord(previous, record);
    previous = appended.hash;
    return appended.line.trimEnd();
  });
}

const headOf = (lines: readonly string[]) => ({ size: lines.length, hash: JSON.parse(lines.at(-1)!).hash as string });
const lines = ledgerOf([1, 2, 3, 4]);
const head = signLedgerHead(headOf(lines), identity);

function faultOf(found: readonly string[], evidence: { head?: SignedLedgerHead; shown?: readonly string[] } = {}) {
  const shown = evidence.shown === undefined ? null : headOf(evidence.shown);
  const finding = verifyEgress(found, { head: evidence.head ?? head, shown, signingKey });
  return finding.ok ? null : finding.fault;
}

describe('verifyEgress()', () => {
  test('finds nothing wrong in what was written, nor in a record that a crash left unsigned', () => {
    expect(faultOf(lines, { shown: lines.slice(0, 2) })).toBeNull();
    expect(faultOf([...ledgerOf([1, 2, 3, 4, 5])])).toBeNull();
    expect(verifyEgress([], { head: null, shown: null, signingKey })).toEqual({ ok: true, records: [] });
  });

  test('finds a deletion', () => {
    expect(faultOf(lines.toSpliced(1, 1))).toEqual({
      kind: 'deleted',
      sentence: 'A record was deleted before line 2 of the egress ledger: its number is missing.',
    });
  });

  test('finds an edit', () => {
    const edited = lines.with(2, lines[2]!.replace('"bytes":9', '"bytes":8'));
    expect(faultOf(edited)).toMatchObject({ kind: 'edited', sentence: expect.stringContaining('line 3') });
  });

  test('finds a reordering', () => {
    const reordered = [lines[0]!, lines[2]!, lines[1]!, lines[3]!];
    expect(faultOf(reordered)).toMatchObject({ kind: 'reordered', sentence: expect.stringContaining('line 2') });
  });

  test('finds a truncation', () => {
    expect(faultOf(lines.slice(0, 3))).toEqual({
      kind: 'truncated',
      sentence: 'The end of the egress ledger was cut off: 4 records were signed, found 3.',
    });
  });

  test('finds a fork: a history written anew over the same numbers', () => {
    expect(faultOf(ledgerOf([1, 2, 9, 4]))).toMatchObject({ kind: 'forked' });
    expect(faultOf([...lines, ledgerOf([1, 2, 3, 9])[3]!])).toMatchObject({ kind: 'forked' });
  });

  test('finds a rollback: ledger and head put back together', () => {
    const older = lines.slice(0, 2);
    const olderHead = signLedgerHead(headOf(older), identity);
    expect(faultOf(older, { head: olderHead })).toBeNull();
    expect(faultOf(older, { head: olderHead, shown: lines.slice(0, 3) })).toEqual({
      kind: 'rolled-back',
      sentence:
        "The egress ledger was rolled back: it had 3 records when this site last cosigned the coordinator's log, found 2.",
    });
  });

  test('finds a history written anew and signed anew, once another was shown', () => {
    const rewritten = ledgerOf([1, 9, 3, 4]);
    const signedAnew = signLedgerHead(headOf(rewritten), identity);
    expect(faultOf(rewritten, { head: signedAnew, shown: lines.slice(0, 2) })).toMatchObject({ kind: 'forked' });
  });

  test('finds a head that somebody else signed, and records that nobody signed', () => {
    const foreign = signLedgerHead(headOf(lines), generateIdentity());
    expect(faultOf(lines, { head: foreign })).toMatchObject({ kind: 'bad-signature' });
    expect(faultOf(ledgerOf([1, 2, 3, 4, 5, 6]))).toMatchObject({ kind: 'bad-signature' });
  });

  test('finds a line that is no record of a ledger', () => {
    const other = appendRecord(CHAIN_START, { seq: 0, note: 'x' }).line.trimEnd();
    expect(faultOf([other])).toMatchObject({ kind: 'unreadable' });
  });
});
