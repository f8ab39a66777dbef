import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../bytes/hash.ts';
import { littleEndianBytes } from '../bytes/little-endian.ts';
import { createRandom } from '../random/seeded-random.ts';
import { type ServerOptimiser, serverStep } from './server-optimiser.ts';

const adaptive = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.01 };

const optimisers: readonly ServerOptimiser[] = [
  { kind: 'fedavg', learningRate: 1 },
  { kind: 'fedavgm', learningRate: 0.7, momentum: 0.9 },
  { kind: 'fedadam', ...adaptive },
  { kind: 'fedyogi', ...adaptive },
  { kind: 'fedadagrad', ...adaptive, beta1: 0.5 },
];

describe('serverStep()', () => {
  test('takes two FedAdam steps as Algorithm 2 of Reddi et al. does by hand', () => {
    const optimiser: ServerOptimiser = { kind: 'fedadam', learningRate: 0.5, beta1: 0.5, beta2: 0.75, tau: 0.5 };
    const trained = [{ offset: 0, size: 1 }];
    const first = serverStep(optimiser, {
      weights: Float32Array.of(1),
      meanDelta: Float32Array.of(1),
      state: null,
      trained,
    });
    // m = 0.5, v = 0.75 * 0.25 + 0.25 = 0.4375, x = 1 + 0.5 * 0.5 / (sqrt(0.4375) + 0.5)
    expect(first.state).toEqual(Float32Array.of(0.5, 0.4375));
    expect(first.weights[0]).toBeCloseTo(1 + 0.25 / (Math.sqrt(0.4375) + 0.5), 6);
    const second = serverStep(optimiser, {
      weights: first.weights,
      meanDelta: Float32Array.of(-1),
      state: first.state,
      trained,
    });
    // m = 0.25 - 0.5 = -0.25, v = 0.75 * 0.4375 + 0.25 = 0.578125
    expect(second.state).toEqual(Float32Array.of(-0.25, 0.578125));
  });

  test.each(optimisers)('leaves the weights and the memory of untrained parts alone: $kind', (optimiser) => {
    const weights = Float32Array.of(1, 2, 3);
    const meanDelta = Float32Array.of(0.5, 0.5, 0.5);
    const first = serverStep(optimiser, { weights, meanDelta, state: null, trained: [{ offset: 0, size: 3 }] });
    const second = serverStep(optimiser, { ...first, meanDelta, trained: [{ offset: 1, size: 1 }] });
    expect(second.weights[0]).toBe(first.weights[0]);
    expect(second.weights[1]).not.toBe(first.weights[1]);
    expect(second.weights[2]).toBe(first.weights[2]);
    if (first.state !== null) {
      const untouched = [0, 2, 3, 5].filter((i) => i < first.state!.length);
      expect(untouched.map((i) => second.state?.[i])).toEqual(untouched.map((i) => first.state?.[i]));
    }
    expect(weights).toEqual(Float32Array.of(1, 2, 3));
  });

  test('gives known bits', () => {
    const known = optimisers.map((optimiser) => {
      const random = createRandom('known bits');
      const draw = () => Float32Array.from({ length: 500 }, () => random.normal());
      const trained = [
        { offset: 0, size: 200 },
        { offset: 300, size: 150 },
      ];
      let moved: ReturnType<typeof serverStep> = { weights: draw(), state: null };
      for (let step = 0; step < 3; step += 1) moved = serverStep(optimiser, { ...moved, meanDelta: draw(), trained });
      const parts = [moved.weights, moved.state ?? new Float32Array()].map(littleEndianBytes);
      return [optimiser.kind, sha256Hex(Buffer.concat(parts)).slice(0, 32)];
    });
    expect(Object.fromEntries(known)).toEqual({
      fedavg: 'b51e07a915be52ca5d85206fba1450b5',
      fedavgm: 'c2264f210a15a472582e83499faf235f',
      fedadam: '4ee7784d3ed553c1dbabca3f2d2792db',
      fedyogi: 'df8df8c4eedc310ff05f5ae2b3789a56',
      fedadagrad: '44fcb363ddeb5e9430505eb7d3c2a7b8',
    });
  });

  test('refuses a memory that belongs to other weights', () => {
    const step = { weights: new Float32Array(3), meanDelta: new Float32Array(3), trained: [] };
    expect(() => serverStep({ kind: 'fedadam', ...adaptive }, { ...step, state: new Float32Array(3) })).toThrow(
      RangeError,
    );
  });
});
