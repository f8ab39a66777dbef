import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { CANARY, canaryWords, sumFault } from './canary.ts';

const [SURVIVORS, CODES] = [5, 10];
const sumOf = (codeBits: 16 | 32, code: number) => {
  const words = new Array(CODES + canaryWords(codeBits)).fill(SURVIVORS * CANARY);
  words.fill(code, 0, CODES);
  return codeBits === 16 ? Int16Array.from(words) : Int32Array.from(words);
};

describe('sumFault()', () => {
  test.each([
    16, 32,
  ] as const)('passes sums in the range, and the half a step that each site may add, in %i bits', (bits) => {
    const options = { survivors: SURVIVORS, largest: 2 ** (bits - 3) };
    expect(sumFault(sumOf(bits, options.largest), options)).toBeNull();
    expect(sumFault(sumOf(bits, -options.largest - 2), options)).toBeNull();
    expect(sumFault(sumOf(bits, options.largest + 3), options)).toBe('sum-out-of-range');
    expect(sumFault(sumOf(bits, -options.largest - 3), options)).toBe('sum-out-of-range');
  });

  test.each([16, 32] as const)('looks at every word of the canary, in %i bits', (bits) => {
    const options = { survivors: SURVIVORS, largest: 2 ** (bits - 3) };
    for (let word = 1; word <= canaryWords(bits); word += 1) {
      const sum = sumOf(bits, 0);
      sum[sum.length - word] = SURVIVORS + 1;
      expect(sumFault(sum, options)).toBe('canary-wrong');
    }
  });

  test('finds masks that did not cancel, however small the model: 64 words of 16 bits', () => {
    const random = createRandom('garbage');
    for (let trial = 0; trial < 200; trial += 1) {
      const garbage = Int16Array.from({ length: 1 + canaryWords(16) }, () => random.int(2 ** 16) - 2 ** 15);
      // As ranges alone they would be found as well: no canary word is looked at here.
      const inRange = garbage.filter((word) => Math.abs(word) <= 2 ** 13).length;
      expect(inRange).toBeLessThan(garbage.length);
      expect(sumFault(garbage, { survivors: SURVIVORS, largest: 2 ** 13 })).toBe('canary-wrong');
    }
  });
});
