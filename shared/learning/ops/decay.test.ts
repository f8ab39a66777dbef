import { describe, expect, test } from 'vitest';
import { decay, softplus, softplusSlope } from './decay.ts';

const grid = Float64Array.from({ length: 24_001 }, (_, index) => (index - 20_000) / 200);
const largestRelativeError = (actual: (x: number) => number, expected: (x: number) => number) =>
  grid.reduce((worst, x) => Math.max(worst, Math.abs(actual(x) / expected(x) - 1)), 0);

describe('decay()', () => {
  test('is the exponential within a fraction of a float32 step', () => {
    expect(largestRelativeError(decay, Math.exp)).toBeLessThan(1e-8);
    expect(decay(0)).toBe(1);
  });

  test('ends in 0 and hides nothing that is not a number', () => {
    expect([decay(-105), decay(-1e300), decay(Number.NEGATIVE_INFINITY)]).toEqual([0, 0, 0]);
    expect(decay(Number.NaN)).toBeNaN();
  });
});

test('softplus() and its slope keep their relative accuracy on both sides', () => {
  expect(
    largestRelativeError(softplus, (x) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)))),
  ).toBeLessThan(1e-8);
  expect(largestRelativeError(softplusSlope, (x) => 1 / (1 + Math.exp(-x)))).toBeLessThan(3e-7);
  const far = [softplus(1000), softplusSlope(1000), softplus(-1000), softplusSlope(-1000)];
  expect(far.map(Math.fround)).toEqual([1000, 1, 0, 0]);
  expect(softplus(Number.NaN)).toBeNaN();
  expect(softplusSlope(Number.NaN)).toBeNaN();
});
