import { describe, expect, test } from 'vitest';
import { createRandom } from '../random/seeded-random.ts';
import { createClippedSum } from './clipped-sum.ts';

const [size, clip] = [500, 2];
const step = clip / 1000;

function vector(seed: string, length: number): Float32Array {
  const random = createRandom(seed);
  const numbers = Float32Array.from({ length: size }, () => random.normal());
  const norm = Math.hypot(...numbers);
  return numbers.map((x) => (x / norm) * length);
}

describe('createClippedSum()', () => {
  test.each([0.5, 1.97, 2, 2.01, 1e6])('keeps a vector of length %d within the clip, on the grid', (length) => {
    const sum = createClippedSum({ size, clip, step });
    sum.add(vector('one', length));
    expect(sum.steps.every(Number.isInteger)).toBe(true);
    const norm = Math.hypot(...sum.steps);
    expect(norm).toBeLessThanOrEqual(clip / step);
    expect(norm).toBeGreaterThan((0.97 * Math.min(length, clip)) / step);
  });

  test('adds nothing of a vector with a number that is not finite', () => {
    const sum = createClippedSum({ size, clip, step });
    sum.add(vector('one', 1).fill(Number.POSITIVE_INFINITY, 3, 4));
    sum.add(vector('one', 1).fill(Number.NaN, 3, 4));
    expect(sum.steps.every((x) => x === 0)).toBe(true);
  });

  test('refuses other lengths and grids that are coarse beside the clip', () => {
    expect(() => createClippedSum({ size, clip, step }).add(new Float32Array(3))).toThrow(TypeError);
    expect(() => createClippedSum({ size, clip, step: clip / 10 })).toThrow(RangeError);
  });
});
