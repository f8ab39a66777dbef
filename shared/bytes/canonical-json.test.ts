import { describe, expect, test } from 'vitest';
import { canonicalJson } from './canonical-json.ts';

describe('canonicalJson()', () => {
  test('gives RFC 8785’s example of sorted members', () => {
    // Section 3.2.3: keys are sorted by UTF-16 code unit.
    const value = { '€': 1, '\r': 2, '\ufb33': 3, '1': 4, '😀': 5, '\u0080': 6, ö: 7 };
    expect(canonicalJson(value)).toBe('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}');
  });

  test('gives RFC 8785’s numbers', () => {
    // biome-ignore lint/correctness/noPrecisionLoss: the RFC's own spelling
    expect(canonicalJson([333333333.33333329, 1e30, 4.5, 2e-3, 1e-27, -0])).toBe(
      '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
    );
  });

  test('does not depend on the order of members or on undefined ones', () => {
    expect(canonicalJson({ b: [1, { d: null, c: true }], a: 'x', e: undefined })).toBe(
      '{"a":"x","b":[1,{"c":true,"d":null}]}',
    );
  });

  test.each([
    ['NaN', Number.NaN],
    ['an infinity', [Infinity]],
    ['a bigint', 1n],
    ['a function', { f: () => 1 }],
    ['undefined in a list', [undefined]],
    ['a hole in a list', new Array(1)],
    ['a date', new Date(0)],
    ['bytes', Uint8Array.of(1)],
    ['a map', new Map()],
  ])('refuses %s', (_, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });
});
