import { describe, expect, test } from 'vitest';
import '../test/all-close.ts';
import { createRandom } from '../random/seeded-random.ts';
import { createPrivateSum } from './private-sum.ts';
import { createRandomWords } from './random-words.ts';
import { seededBytes } from './testing/seeded-bytes.ts';

const size = 1000;
const clip = 0.5;
const words = (seed = 'noise') => createRandomWords(seededBytes(seed));

function vector(seed: string, length: number): Float32Array {
  const random = createRandom(seed);
  const numbers = Float32Array.from({ length: size }, () => random.normal());
  const norm = Math.hypot(...numbers);
  return numbers.map((x) => (x / norm) * length);
}

function released(vectors: readonly Float32Array[], { noiseMultiplier = 1, seed = 'noise', divisor = 1 } = {}) {
  const sum = createPrivateSum({ size, clip, noiseMultiplier });
  for (const added of vectors) sum.add(added);
  return sum.release(words(seed), { divisor });
}

const distance = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((x, index) => x - b[index]!));

describe('createPrivateSum()', () => {
  test('leaves what is inside the clip as it is, but for the noise, and shortens what is longer', () => {
    const noise = released([]);
    const sumOf = (...vectors: Float32Array[]) => released(vectors).map((x, index) => x - noise[index]!);
    const [short, long] = [vector('short', 0.3), vector('long', 40)];
    expect(sumOf(short)).toBeAllClose(short, { relative: 0, absolute: 1e-6 });
    expect(sumOf(long)).toBeAllClose(
      long.map((x) => x / 80),
      { relative: 1e-4, absolute: 1e-6 },
    );
    expect(Math.hypot(...sumOf(long))).toBeLessThanOrEqual(clip * (1 + 1e-6));
  });

  test('moves by twice the clip at most when a vector is put in another’s place, and by nearly that when they are opposite', () => {
    const others = [vector('first', 3), vector('second', 0.1)];
    for (const [kept, changed] of [
      [vector('one', 9), vector('one', -9)],
      [vector('one', 0.2), vector('two', 1e6)],
      [vector('one', 1e-9), vector('one', Number.NaN)],
      [vector('one', 0.5), new Float32Array(size).fill(1e38)],
    ] as const) {
      const moved = distance(released([...others, kept]), released([...others, changed]));
      expect(moved).toBeLessThanOrEqual(2 * clip * (1 + 1e-6));
    }
    const opposite = distance(released([...others, vector('one', 9)]), released([...others, vector('one', -9)]));
    expect(opposite).toBeGreaterThan(1.99 * clip);
  });

  test('adds noise of the multiplier times twice the clip, fresh at each release, divided with the sum', () => {
    const sum = createPrivateSum({ size, clip, noiseMultiplier: 3 });
    const source = words();
    const deviation = (numbers: Float32Array) => Math.hypot(...numbers) / Math.sqrt(size);
    const first = sum.release(source, { divisor: 1 });
    expect(deviation(first) / (3 * 2 * clip)).toBeCloseTo(1, 1);
    const second = sum.release(source, { divisor: 10 });
    expect(deviation(second) / (0.3 * 2 * clip)).toBeCloseTo(1, 1);
    expect(
      distance(
        first,
        second.map((x) => 10 * x),
      ),
    ).toBeGreaterThan(3 * 2 * clip);
  });

  test('begins anew after a release or when it is discarded', () => {
    const sum = createPrivateSum({ size, clip, noiseMultiplier: 1 });
    sum.add(vector('before', 1));
    sum.release(words('first'), { divisor: 1 });
    sum.add(vector('left', 1));
    sum.discard();
    expect(sum.release(words(), { divisor: 1 })).toEqual(released([]));
  });

  test('refuses other lengths, no noise, and noise for which the grid is too coarse', () => {
    expect(() => createPrivateSum({ size, clip, noiseMultiplier: 1 }).add(new Float32Array(3))).toThrow(TypeError);
    expect(() => createPrivateSum({ size, clip, noiseMultiplier: 0 })).toThrow(RangeError);
    expect(() => createPrivateSum({ size, clip, noiseMultiplier: 1e6 })).toThrow('need a step below');
  });
});
