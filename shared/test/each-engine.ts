import type { Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe } from 'vitest';
import { type Engine, type EngineKind, openEngine } from '../learning/engine/open-engine.ts';
import { createRandom } from '../random/seeded-random.ts';

/** WARDROUND_TEST_ENGINES=native,webgpu runs the suites on engines that are not everywhere; a software WebGPU will do. */
const kinds = (process.env['WARDROUND_TEST_ENGINES']?.split(',') ?? ['wasm', 'plain']) as EngineKind[];

/** Runs a suite on every engine that runs everywhere. The engine is there once the tests run. */
export function describeOnEachEngine(name: string, define: (engine: () => Engine) => void): void {
  describe.each(kinds)(`${name} on %s`, (kind) => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await openEngine({ prefer: [kind], allowSoftwareAdapter: true });
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
