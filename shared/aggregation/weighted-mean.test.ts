import { describe, expect, test } from 'vitest';
import { weightedMean } from './weighted-mean.ts';

describe('weightedMean()', () => {
  test('counts each update by its examples', () => {
    const mean = weightedMean([
      { values: Float32Array.of(1, 0), weight: 3 },
      { values: Float32Array.of(5, 4), weight: 1 },
    ]);
    expect(mean).toEqual(Float32Array.of(2, 1));
  });

  test('refuses no updates, no examples and updates of other models', () => {
    expect(() => weightedMean([])).toThrow(RangeError);
    expect(() => weightedMean([{ values: Float32Array.of(1), weight: 0 }])).toThrow(/found 0 in all/);
    const unequal = [new Float32Array(2), new Float32Array(3)].map((values) => ({ values, weight: 1 }));
    expect(() => weightedMean(unequal)).toThrow(/first one's 2 numbers, found 3/);
  });
});
