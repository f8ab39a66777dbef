import { generateIdentity } from '@wardround/shared/crypto/identity.ts';
import { describe, expect, test } from 'vitest';
import { openAtRest, sealAtRest } from './sealed-at-rest.ts';

const identity = generateIdentity();
const purpose = 'a test';
const plaintext = Buffer.from('the mask key of a session');

describe('sealAtRest()', () => {
  test('gives what opens with the same keys for the same purpose, and differs every time', () => {
    const sealed = sealAtRest(plaintext, { identity, purpose });
    expect(Buffer.from(openAtRest(sealed, { identity, purpose })!)).toEqual(plaintext);
    expect(sealAtRest(plaintext, { identity, purpose })).not.toBe(sealed);
    expect(openAtRest(sealAtRest(new Uint8Array(0), { identity, purpose }), { identity, purpose })).toHaveLength(0);
  });
});

describe('openAtRest()', () => {
  test('opens nothing with other keys, for another purpose, or with a bit of it turned over, at whichever byte', () => {
    const sealed = sealAtRest(plaintext, { identity, purpose });
    expect(openAtRest(sealed, { identity: generateIdentity(), purpose })).toBeNull();
    expect(openAtRest(sealed, { identity, purpose: 'another' })).toBeNull();
    const bytes = Buffer.from(sealed, 'base64url');
    for (let byte = 0; byte < bytes.length; byte += 1) {
      bytes[byte] = bytes[byte]! ^ (1 << (byte % 8));
      expect(openAtRest(bytes.toString('base64url'), { identity, purpose }), `byte ${byte}`).toBeNull();
      bytes[byte] = bytes[byte]! ^ (1 << (byte % 8));
      expect(openAtRest(bytes.subarray(0, byte).toString('base64url'), { identity, purpose })).toBeNull();
    }
    expect(openAtRest('no base64url!', { identity, purpose })).toBeNull();
  });
});
