import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { describe, expect, test } from 'vitest';
import { fingerprintWords } from './fingerprint-words.ts';

describe('fingerprintWords()', () => {
  test('gives known words', () => {
    expect(fingerprintWords('0'.repeat(64))).toBe('baba-baba-baba-baba-baba-baba');
    expect(fingerprintWords('f'.repeat(64))).toBe('zuzu-zuzu-zuzu-zuzu-zuzu-zuzu');
    expect(fingerprintWords(sha256Hex('coordinator'))).toMatch(
      /^([bdfghjklmnprstvz][aiou]){2}(-([bdfghjklmnprstvz][aiou]){2}){5}$/,
    );
  });

  test('has a word of its own for each of the 4,096 values', () => {
    const words = Array.from({ length: 4096 }, (_, value) =>
      fingerprintWords(value.toString(16).padStart(3, '0').padEnd(64, '0')).slice(0, 4),
    );
    expect(new Set(words).size).toBe(4096);
  });

  test('changes when any of the first 72 bits does', () => {
    const base = sha256Hex('x');
    for (let digit = 0; digit < 18; digit += 1) {
      const other = base.slice(0, digit) + (base[digit] === '0' ? '1' : '0') + base.slice(digit + 1);
      expect(fingerprintWords(other)).not.toBe(fingerprintWords(base));
    }
  });

  test('refuses what is no fingerprint', () => {
    expect(() => fingerprintWords('abc')).toThrow('needed 64 hexadecimal digits');
  });
});
