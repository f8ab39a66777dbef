import { encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { consistencyProof, leafHash, merkleRoot } from '@wardround/shared/crypto/merkle-tree.ts';
import { describe, expect, test } from 'vitest';
import { checkpointText, logKey } from './checkpoint.ts';
import type { CheckpointAnswer } from './messages.ts';
import { encodeNote, signNote } from './signed-note.ts';
import { followLog, LogRefusedError } from './watch-log.ts';

const coordinator = generateIdentity();
const keys = publicKeys(coordinator);
const log = { fingerprint: fingerprint(keys), signingKey: keys.signingKey };
const leavesOf = (...records: readonly string[]) => records.map((record) => leafHash(Buffer.from(record)));

function noteOf(leaves: readonly Uint8Array[], signer = coordinator): string {
  const text = checkpointText({ size: leaves.length, root: merkleRoot(leaves) }, logKey(log).name);
  return encodeNote(text, [signNote(text, { ...logKey(log), signingSeed: signer.signingSeed })]);
}

function answerOf(leaves: readonly Uint8Array[], from: number): CheckpointAnswer {
  const proof = from <= leaves.length ? consistencyProof(leaves, from) : [];
  return { note: noteOf(leaves), consistency: proof.map(encodeBase64Url) };
}

function refusalOf(answer: CheckpointAnswer, seen: string | null): string | undefined {
  try {
    followLog(answer, { seen, log });
    return undefined;
  } catch (error) {
    return (error as LogRefusedError).code;
  }
}

const three = leavesOf('a', 'b', 'c');
const five = leavesOf('a', 'b', 'c', 'd', 'e');

describe('followLog()', () => {
  test('believes a log that grew, and has nothing to cosign when it did not', () => {
    expect(followLog(answerOf(five, 0), { seen: null, log })?.size).toBe(5);
    expect(followLog(answerOf(five, 3), { seen: noteOf(three), log })?.size).toBe(5);
    expect(followLog(answerOf(five, 5), { seen: noteOf(five), log })).toBeNull();
    expect(followLog({ note: null, consistency: [] }, { seen: null, log })).toBeNull();
  });

  test('refuses a rollback: a log that became shorter, or empty', () => {
    expect(refusalOf(answerOf(three, 5), noteOf(five))).toBe('log-rolled-back');
    expect(refusalOf({ note: null, consistency: [] }, noteOf(five))).toBe('log-rolled-back');
  });

  test('refuses a split view: another history of the same length', () => {
    expect(refusalOf(answerOf(leavesOf('a', 'b', 'x'), 3), noteOf(three))).toBe('log-forked');
  });

  test('refuses a rewritten history, whatever proof comes with it', () => {
    const rewritten = leavesOf('a', 'x', 'c', 'd', 'e');
    expect(refusalOf(answerOf(rewritten, 3), noteOf(three))).toBe('log-forked');
    expect(refusalOf({ ...answerOf(five, 3), consistency: [] }, noteOf(three))).toBe('log-forked');
  });

  test('refuses a checkpoint that the coordinator did not sign', () => {
    const forged = { note: noteOf(five, generateIdentity()), consistency: [] };
    expect(refusalOf(forged, null)).toBe('checkpoint-unusable');
    expect(() => followLog(forged, { seen: null, log })).toThrow(LogRefusedError);
  });
});
