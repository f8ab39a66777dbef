import { describe, expect, test } from 'vitest';
import { standardiseProfiles } from './standardise-profiles.ts';

function standardise(profiles: Record<string, number[]>, training: string[]) {
  const values = new Map(Object.entries(profiles).map(([key, row]) => [key, Float32Array.from(row)]));
  const { profiles: standardised, logarithm } = standardiseProfiles(values, { training: new Set(training) });
  const rows = [...standardised].map(([key, row]) => [key, Array.from(row, (value) => Number(value.toFixed(3)))]);
  return { logarithm, rows: Object.fromEntries(rows) };
}

describe('standardiseProfiles()', () => {
  test('takes mean and deviation from the training patients', () => {
    const { rows, logarithm } = standardise({ a: [1, 5], b: [3, 5], c: [4, 7] }, ['a', 'b']);
    // The second gene does not vary among the training patients, so it says nothing.
    expect(rows).toEqual({ a: [-1, 0], b: [1, 0], c: [2, 0] });
    expect(logarithm).toBe(false);
  });

  test('cuts at five standard deviations', () => {
    expect(standardise({ a: [1], b: [3], c: [30], d: [-30] }, ['a', 'b']).rows).toMatchObject({ c: [5], d: [-5] });
  });

  test('takes the logarithm of counts', () => {
    const { rows, logarithm } = standardise({ a: [1], b: [1023], c: [31] }, ['a', 'b']);
    // log2(1 + x): 1, 10 and 5; mean 5.5, deviation 4.5.
    expect(logarithm).toBe(true);
    expect(rows).toEqual({ a: [-1], b: [1], c: [-0.111] });
  });

  test('takes no logarithm of values that can be negative', () => {
    expect(standardise({ a: [-1], b: [1023] }, ['a', 'b']).logarithm).toBe(false);
  });

  test('decides on the training patients alone', () => {
    expect(standardise({ a: [1], b: [3], c: [4000] }, ['a', 'b']).logarithm).toBe(false);
  });

  test('puts the mean where a value is missing', () => {
    const { rows } = standardise({ a: [1, Number.NaN], b: [3, Number.NaN], c: [Number.NaN, 4] }, ['a', 'b', 'c']);
    expect(rows).toEqual({ a: [-1, 0], b: [1, 0], c: [0, 0] });
  });

  test('gives zeros without training patients', () => {
    expect(standardise({ a: [7, 8] }, []).rows).toEqual({ a: [0, 0] });
  });
});
