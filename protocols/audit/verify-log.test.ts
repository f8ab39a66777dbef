import { appendRecord, CHAIN_START } from '@wardround/shared/crypto/hash-chain.ts';
import { fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { leafHash, merkleRoot } from '@wardround/shared/crypto/merkle-tree.ts';
import { describe, expect, test } from 'vitest';
import { checkpointText, logKey, witnessKey } from './checkpoint.ts';
import { signLedgerHead } from './egress-head.ts';
import type { LogEntry } from './log-record.ts';
import { signPrivacyHead } from './privacy-head.ts';
import { cosignNote, encodeNote, signNote } from './signed-note.ts';
import { type LogEvidence, verifyLog } from './verify-log.ts';

const coordinator = generateIdentity();
const keys = publicKeys(coordinator);
const log = { fingerprint: fingerprint(keys), signingKey: keys.signingKey };
const site = generateIdentity();
const clinic = { site: 'clinic', signingKey: publicKeys(site).signingKey };
const study = 'a'.repeat(64);

const event = (position: number, byte = 'b'): LogEntry => ({
  kind: 'study-event',
  study,
  position,
  event: byte.repeat(64),
});
const shown = (size: number, signer = site): LogEntry => {
  return { kind: 'site-ledger', site: 'clinic', ledger: signLedgerHead({ size, hash: study }, signer) };
};

function logOf(entries: readonly LogEntry[]): string[] {
  let previous = CHAIN_START;
  return entries.map((entry, seq) => {
    const appended = appendRecord(previous, { ...entry, seq, atMillis: 7 });
    previous = appended.hash;
    return appended.line.trimEnd();
  });
}

function checkpointOf(lines: readonly string[], { signer = coordinator, witness = site } = {}): string {
  const leaves = lines.map((line) => leafHash(Buffer.from(line)));
  const text = checkpointText({ size: lines.length, root: merkleRoot(leaves) }, logKey(log).name);
  const own = signNote(text, { ...logKey(log), signingSeed: signer.signingSeed });
  const key = { ...witnessKey(log, clinic), signingSeed: witness.signingSeed };
  return encodeNote(text, [own, cosignNote(text, key, { timeSeconds: 8 })]);
}

const entries = [{ kind: 'site-admitted', ...clinic } as const, event(0), event(1), shown(5), event(2)];
const lines = logOf(entries);
const checkpoints = [checkpointOf(lines.slice(0, 3)), checkpointOf(lines)];

function faultOf(found: readonly string[], evidence: Partial<LogEvidence> = {}) {
  const finding = verifyLog(found, { log, checkpoints, ...evidence });
  return finding.ok ? null : finding.fault;
}

describe('verifyLog()', () => {
  test('finds a privacy ledger that became shorter, apart from the egress ledger of that site', () => {
    const charged = (size: number): LogEntry => ({
      kind: 'site-privacy-ledger',
      site: 'clinic',
      ledger: signPrivacyHead({ size, hash: study }, site),
    });
    const admitted = { kind: 'site-admitted', ...clinic } as const;
    const whole = logOf([admitted, shown(5), charged(2), shown(6), charged(3)]);
    expect(verifyLog(whole, { log, checkpoints: [] })).toMatchObject({ ok: true });
    const rolledBack = logOf([admitted, shown(5), charged(3), charged(2)]);
    expect(verifyLog(rolledBack, { log, checkpoints: [] })).toMatchObject({
      ok: false,
      fault: { kind: 'rolled-back', sentence: expect.stringContaining('privacy ledger') },
    });
  });

  test('finds nothing wrong in what was written', () => {
    expect(verifyLog(lines, { log, checkpoints, seenElsewhere: checkpoints })).toMatchObject({
      ok: true,
      checkpoints: 2,
      cosignatures: 2,
    });
    expect(faultOf([...logOf([...entries, event(3)])])).toBeNull();
  });

  test('finds a deletion', () => {
    expect(faultOf(lines.toSpliced(2, 1))).toMatchObject({
      kind: 'deleted',
      sentence: expect.stringContaining('line 3'),
    });
  });

  test('finds an edit', () => {
    const edited = lines.with(2, lines[2]!.replace(/b{64}/, 'c'.repeat(64)));
    expect(faultOf(edited)).toMatchObject({ kind: 'edited', sentence: expect.stringContaining('line 3') });
  });

  test('finds a reordering', () => {
    const reordered = [lines[0]!, lines[2]!, lines[1]!, ...lines.slice(3)];
    expect(faultOf(reordered)).toMatchObject({ kind: 'reordered', sentence: expect.stringContaining('line 2') });
  });

  test('finds a truncation', () => {
    expect(faultOf(lines.slice(0, 4))).toEqual({
      kind: 'truncated',
      sentence: "The end of the coordinator's log was cut off: a checkpoint stands for 5 records, found 4.",
    });
  });

  test('finds a fork: a history written anew, or another one shown to a site', () => {
    const other = logOf(entries.with(2, event(1, 'c')));
    expect(faultOf(other)).toMatchObject({ kind: 'forked', sentence: expect.stringContaining('first 3 records') });
    const othersCheckpoints = [checkpointOf(other)];
    expect(faultOf(other, { checkpoints: othersCheckpoints })).toBeNull();
    expect(faultOf(lines, { seenElsewhere: othersCheckpoints })).toMatchObject({
      kind: 'forked',
      sentence: expect.stringContaining('a site has seen'),
    });
  });

  test('finds a rollback: log and checkpoints put back together', () => {
    const older = { checkpoints: checkpoints.slice(0, 1) };
    expect(faultOf(lines.slice(0, 3), older)).toBeNull();
    expect(faultOf(lines.slice(0, 3), { ...older, seenElsewhere: checkpoints.slice(1) })).toEqual({
      kind: 'rolled-back',
      sentence: "The coordinator's log was rolled back: a site has seen it with 5 records, found 3.",
    });
  });

  test('finds checkpoints and cosignatures by others', () => {
    const stranger = generateIdentity();
    expect(faultOf(lines, { checkpoints: [checkpointOf(lines, { signer: stranger })] })).toMatchObject({
      kind: 'bad-signature',
    });
    expect(faultOf(lines, { checkpoints: [checkpointOf(lines, { witness: stranger })] })).toMatchObject({
      kind: 'bad-signature',
    });
  });

  test('finds a site that put its ledger back, and a head that it did not sign', () => {
    expect(faultOf(logOf([...entries, shown(4)]))).toEqual({
      kind: 'rolled-back',
      sentence: 'Site clinic rolled its egress ledger back: it showed 5 records and then 4.',
    });
    expect(faultOf(logOf([...entries, shown(6, coordinator)]))).toMatchObject({ kind: 'bad-signature' });
  });
});
