import { describe, expect, test } from 'vitest';
import { hashOfJson, sha256, sha256Hex } from './hash.ts';

describe('sha256()', () => {
  test('gives FIPS 180-4’s vector for "abc"', () => {
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(Buffer.from(sha256(Buffer.from('abc'))).toString('hex')).toBe(sha256Hex('abc'));
  });
});

describe('hashOfJson()', () => {
  test('names the value, not its spelling', () => {
    expect(hashOfJson('a/1', { x: 1, y: 2 })).toBe(hashOfJson('a/1', { y: 2, x: 1 }));
    expect(hashOfJson('a/1', { x: 1 })).toBe(sha256Hex('wardround/a/1\n{"x":1}'));
  });

  test('tells kinds of value apart', () => {
    expect(hashOfJson('a/1', {})).not.toBe(hashOfJson('b/1', {}));
  });
});
