import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { describe, expect, test } from 'vitest';
import { cosignedAt, cosignNote, encodeNote, isSignedBy, type NoteSigner, parseNote, signNote } from './signed-note.ts';

function signerNamed(name: string): NoteSigner {
  const identity = generateIdentity();
  const publicKey = new Uint8Array(Buffer.from(publicKeys(identity).signingKey, 'base64url'));
  return { name, publicKey, signingSeed: identity.signingSeed };
}

const log = signerNamed('log.example/x');
const witness = signerNamed('witness.example/y');
const text = 'log.example/x\n3\nAAAA\n';

describe('isSignedBy()', () => {
  test('verifies the example of the format’s first implementation', () => {
    const known = Buffer.from('ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW', 'base64');
    const note = parseNote(
      'If you think cryptography is the answer to your problem,\n' +
        "then you don't know what your problem is.\n\n" +
        '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
    );
    const publicKey = new Uint8Array(known.subarray(1));
    expect(isSignedBy(note, { name: 'PeterNeumann', publicKey })).toBe(true);
    expect(isSignedBy({ ...note, text: `${note.text}more\n` }, { name: 'PeterNeumann', publicKey })).toBe(false);
    expect(isSignedBy(note, { name: 'SomebodyElse', publicKey })).toBe(false);
  });

  test('takes no cosignature for the log’s signature and no other key’s', () => {
    const own = parseNote(encodeNote(text, [signNote(text, log)]));
    expect(isSignedBy(own, log)).toBe(true);
    expect(isSignedBy(own, { ...log, publicKey: witness.publicKey })).toBe(false);
    expect(isSignedBy(parseNote(encodeNote(text, [cosignNote(text, log, { timeSeconds: 9 })])), log)).toBe(false);
  });
});

describe('cosignedAt()', () => {
  test('gives the time at which the witness saw the note, which its signature covers', () => {
    const line = cosignNote(text, witness, { timeSeconds: 1_700_000_000 });
    const note = parseNote(encodeNote(text, [signNote(text, log), line]));
    expect(cosignedAt(note, witness)).toBe(1_700_000_000);
    expect(cosignedAt(note, log)).toBeNull();
    const bytes = note.signatures[1]!.bytes.slice();
    bytes[11] = bytes[11]! ^ 1;
    expect(cosignedAt({ ...note, signatures: [{ name: witness.name, bytes }] }, witness)).toBeNull();
  });
});

describe('parseNote()', () => {
  test('refuses what is no note', () => {
    const line = signNote(text, log);
    for (const wrong of [
      '',
      text,
      `${text}\n${line}`,
      `${text}\n- x AAAA\n`,
      `a\tb\n\n${line}\n`,
      `${text}\n${line}=\n`,
    ]) {
      expect(() => parseNote(wrong)).toThrow(SyntaxError);
    }
  });
});
