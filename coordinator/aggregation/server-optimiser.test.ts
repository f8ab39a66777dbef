import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ServerOptimiser } from '@wardround/protocols/study/plan.ts';
import { decodeSafetensors } from '@wardround/shared/tensors/safetensors.ts';
import { describe, expect, test } from 'vitest';
import { serverStep } from './server-optimiser.ts';

const goldenFolder = path.resolve(import.meta.dirname, '../../../shared/golden');
const adaptive = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.01 };

const cases: readonly { readonly file: string; readonly optimiser: ServerOptimiser }[] = [
  { file: 'fed_fedavg', optimiser: { kind: 'fedavg', learningRate: 1 } },
  { file: 'fed_fedavgm', optimiser: { kind: 'fedavgm', learningRate: 0.7, momentum: 0.9 } },
  { file: 'fed_fedadam', optimiser: { kind: 'fedadam', ...adaptive } },
  { file: 'fed_fedyogi', optimiser: { kind: 'fedyogi', ...adaptive } },
  { file: 'fed_fedadagrad', optimiser: { kind: 'fedadagrad', ...adaptive, beta1: 0.5 } },
];

describe('serverStep()', () => {
  test.each(cases)('agrees with the reference over five rounds of partial participation: $file', ({
    file,
    optimiser,
  }) => {
    const source = path.join(goldenFolder, `${file}.safetensors`);
    if (!existsSync(source)) {
      console.log(`Skipped: the reference ${file}.safetensors is not beside the project.`);
      return;
    }
    const { tensors } = decodeSafetensors(readFileSync(source));
    const read = (prefix: string) => [...flat(tensors.get(`${prefix}b`)), ...flat(tensors.get(`${prefix}w`))];
    const examples = flat(tensors.get('input.examples'));
    const participation = flat(tensors.get('input.participation'));

    let weights: Float32Array = Float32Array.from(read('param.'));
    let state: Float32Array | null = null;
    for (let round = 1; round <= 5; round++) {
      const present = [0, 1, 2, 3].filter((client) => participation[(round - 1) * 4 + client] === 1);
      const total = present.reduce((sum, client) => sum + examples[client]!, 0);
      const meanDelta = new Float32Array(weights.length);
      for (const client of present) {
        read(`input.delta.round${round}.client${client}.`).forEach((value, i) => {
          meanDelta[i]! += (examples[client]! / total) * value;
        });
      }
      const trained = [{ offset: 0, size: weights.length }];
      ({ weights, state } = serverStep(optimiser, { weights, meanDelta, state, trained }));
      expectClose(weights, read(`output.round${round}.param.`));
    }
  });

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

  test.each(cases)('leaves the weights and the memory of untrained parts alone: $optimiser.kind', ({ optimiser }) => {
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

  test('refuses a memory that belongs to other weights', () => {
    const step = { weights: new Float32Array(3), meanDelta: new Float32Array(3), trained: [] };
    expect(() => serverStep({ kind: 'fedadam', ...adaptive }, { ...step, state: new Float32Array(3) })).toThrow(
      RangeError,
    );
  });
});

function flat(tensor: { readonly data: ArrayLike<number | bigint> } | undefined): number[] {
  if (tensor === undefined) throw new TypeError('the reference lacks a tensor');
  return Array.from(tensor.data, Number);
}

/** The references' own rule: |actual - expected| <= rtol * max|expected| + atol. */
function expectClose(actual: Float32Array, expected: readonly number[]): void {
  const tolerance = 2e-5 * Math.max(...expected.map(Math.abs)) + 1e-7;
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i]! - value)).toBeLessThanOrEqual(tolerance);
  });
}
