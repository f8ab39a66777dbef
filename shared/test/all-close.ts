/**
 * `expect(actual).toBeAllClose(expected, { relative, absolute })`: the largest difference is at most
 * `relative` times the largest expected magnitude plus `absolute`. Element-wise relative errors mean nothing near zero.
 */
import { expect } from 'vitest';

export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> {
    toBeAllClose(expected: ArrayLike<number>, tolerance: Tolerance): R;
  }
}

expect.extend({
  toBeAllClose(actual: ArrayLike<number>, expected: ArrayLike<number>, { relative, absolute }: Tolerance) {
    if (actual.length !== expected.length) {
      return { pass: false, message: () => `expected ${expected.length} numbers, found ${actual.length}` };
    }
    let largest = 0;
    let worst = 0;
    let index = 0;
    for (let i = 0; i < expected.length; i += 1) {
      largest = Math.max(largest, Math.abs(expected[i]!));
      const difference = Math.abs(actual[i]! - expected[i]!);
      // Written so that a difference that is not a number counts as the worst.
      if (!(difference <= worst))
        [worst, index] = [Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference, i];
    }
    const allowed = relative * largest + absolute;
    return {
      pass: worst <= allowed,
      message: () =>
        `expected all numbers within ${allowed}, found ${actual[index]} instead of ${expected[index]} at ${index} (difference ${worst})`,
    };
  },
});
