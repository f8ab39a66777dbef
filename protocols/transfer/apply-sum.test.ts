import { type ServerOptimiser, serverStep } from '@wardround/shared/aggregation/server-optimiser.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { createLayout } from '@wardround/shared/tensors/layout.ts';
import { describe, expect, test } from 'vitest';
import { applySumPiece } from './apply-sum.ts';
import { decodeSum } from './update-code.ts';

const tensor = (name: string, size: number, group: string) =>
  ({ name, shape: [size], initialiser: { kind: 'zeros' }, group }) as const;
const layout = createLayout([
  tensor('a', 13, 'image'),
  tensor('b', 40, 'clinical'),
  tensor('c', 1, 'image'),
  tensor('d', 29, 'expression'),
  tensor('e', 17, 'image'),
]);
const code = { layout, clip: 0.5, maximumSampleCount: 100, sites: 4 };

const adaptive = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.01 };
const optimisers: readonly ServerOptimiser[] = [
  { kind: 'fedavg', learningRate: 0.3 },
  { kind: 'fedavgm', learningRate: 0.7, momentum: 0.9 },
  { kind: 'fedadam', ...adaptive },
  { kind: 'fedyogi', ...adaptive },
  { kind: 'fedadagrad', ...adaptive },
];

/** A sum as four sites can make it; nobody trained `clinical`. */
function randomSum(random: ReturnType<typeof createRandom>): Int32Array {
  const codes = Array.from({ length: layout.size }, () => Math.round((2 * random.next() - 1) * 2 ** 28));
  return Int32Array.of(1 + random.int(400), 0, 1 + random.int(400), ...codes);
}

describe('applySumPiece()', () => {
  test.each(
    optimisers,
  )('moves pieces of any size as serverStep() moves the whole model, to the bit: $kind', (server) => {
    for (let seed = 0; seed < 40; seed += 1) {
      const random = createRandom(`pieces ${seed}`);
      const weights = Float32Array.from({ length: layout.size }, () => random.normal());
      let whole: { weights: Float32Array; state: Float32Array | null } = { weights, state: null };
      const step = (sum: Int32Array) => {
        const { meanDelta, sampleCounts } = decodeSum(sum, code);
        const trained = layout.tensors.filter(({ group }) => sampleCounts[layout.groups.indexOf(group)]! > 0);
        return { ...serverStep(server, { ...whole, meanDelta, trained }), sampleCounts };
      };
      whole = step(randomSum(random));
      const sum = randomSum(random);
      const expected = step(sum);

      const moved = whole.weights.slice();
      const momentum = whole.state?.slice(0, layout.size) ?? null;
      const secondMoment =
        server.kind === 'fedavg' || server.kind === 'fedavgm' ? null : whole.state!.slice(layout.size);
      const of = (vector: Float32Array | null, first: number, end: number) => vector?.subarray(first, end) ?? null;
      let squares = 0;
      for (let first = 0, end = 0; first < layout.size; first = end) {
        end = Math.min(layout.size, first + 1 + random.int(50));
        squares += applySumPiece(
          {
            firstParameter: first,
            codes: sum.subarray(layout.groups.length + first, layout.groups.length + end),
            weights: moved.subarray(first, end),
            momentum: of(momentum, first, end),
            secondMoment: of(secondMoment, first, end),
          },
          { code, sampleCounts: expected.sampleCounts, server },
        );
      }
      expect(moved, `seed ${seed}`).toEqual(expected.weights);
      const state = [...(momentum ?? []), ...(secondMoment ?? [])];
      expect(state, `seed ${seed}`).toEqual([...(expected.state ?? [])]);
      expect(moved.subarray(13, 53)).toEqual(weights.subarray(13, 53));
      const distance = moved.reduce((total, value, i) => total + (value - whole.weights[i]!) ** 2, 0);
      expect(Math.abs(squares - distance)).toBeLessThanOrEqual(1e-12 * distance);
      expect(squares).toBeGreaterThan(0);
    }
  });

  test('refuses pieces that do not fit', () => {
    const codes = new Int32Array(10);
    const weights = new Float32Array(10);
    const piece = { firstParameter: 0, codes, weights, momentum: null, secondMoment: null };
    const options = { code, sampleCounts: [1, 1, 1], server: optimisers[0]! };
    expect(() => applySumPiece({ ...piece, firstParameter: layout.size - 9 }, options)).toThrow('from parameter 91 on');
    expect(() => applySumPiece({ ...piece, weights: new Float32Array(9) }, options)).toThrow('9 weights and 10 codes');
    expect(() => applySumPiece(piece, { ...options, server: optimisers[1]! })).toThrow('state is missing');
    const momentum = new Float32Array(10);
    const lacking = { ...piece, momentum };
    expect(() => applySumPiece(lacking, { ...options, server: optimisers[2]! })).toThrow('state is missing');
  });
});
