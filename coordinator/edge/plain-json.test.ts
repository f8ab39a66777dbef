import { describe, expect, test } from 'vitest';
import { limits } from './limits.ts';
import { isPlainJson } from './plain-json.ts';

const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}1${']'.repeat(depth)}`);

describe('isPlainJson()', () => {
  test('takes what messages are made of', () => {
    for (const value of [null, 1, 'x', true, [], {}, { a: [{ b: 1 }, null] }, { toString: 1 }]) {
      expect(isPlainJson(value)).toBe(true);
    }
  });

  test.each(['__proto__', 'constructor', 'prototype'])('refuses the name %s at any depth', (name) => {
    expect(isPlainJson(JSON.parse(`{"${name}":1}`))).toBe(false);
    expect(isPlainJson(JSON.parse(`[{"a":[{"${name}":{}}]}]`))).toBe(false);
    expect(isPlainJson([name])).toBe(true);
  });

  test('refuses what nests deeper than a message, however deep', () => {
    expect(isPlainJson(nested(limits.jsonDepth))).toBe(true);
    expect(isPlainJson(nested(limits.jsonDepth + 1))).toBe(false);
    expect(isPlainJson(nested(100_000))).toBe(false);
  });
});
