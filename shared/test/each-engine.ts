import type { Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe } from 'vitest';
import { type Engine, openEngine } from '../learning/engine/open-engine.ts';
import { createRandom } from '../random/seeded-random.ts';

/** Runs a suite on every engine that runs everywhere. The engine is there once the tests run. */
export function describeOnEachEngine(name: string, define: (engine: () => Engine) => void): void {
  describe.each(['wasm', 'plain'] as const)(`${name} on %s`, (kind) => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await openEngine({ prefer: [kind] });
    });
    define(() => engine);
  });
}

/**
 * The engine, said to have other habits: an op then takes its other path on the same kernels, so that the path of an
 * engine that is not at hand is tested too.
 */
export function withHabits(engine: Engine, habits: Partial<Engine['habits']>): Engine {
  return { ...engine, habits: { ...engine.habits, ...habits } };
}

/** A tensor of seeded standard normal numbers. */
export function normalTensor<T extends Tensor = Tensor>({ tf }: Engine, seed: string, shape: number[]): T {
  const random = createRandom(seed);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
  ) as T;
}
