import type { Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe } from 'vitest';
import { installedEngine } from '../learning/engine/install/installed-engine.ts';
import { type Engine, type EngineKind, openEngine } from '../learning/engine/open-engine.ts';
import { createRandom } from '../random/seeded-random.ts';

/** WARDROUND_TEST_ENGINES=native,webgpu runs the suites on engines that are not everywhere; a software WebGPU will do. */
const chosen = process.env['WARDROUND_TEST_ENGINES']?.split(',') as EngineKind[] | undefined;
const kinds = chosen ?? (['native', 'wasm', 'plain'] as const);
/** Its tests are reported as skipped until `npm run engine -- install native` has run. */
const lacksNative = chosen === undefined && installedEngine('native') === null;

/** Runs a suite on every engine that runs everywhere, and on TensorFlow where it is installed. The engine is there once the tests run. */
export function describeOnEachEngine(
  name: string,
  define: (engine: () => Engine) => void,
  { without = [] }: { readonly without?: readonly EngineKind[] } = {},
): void {
  for (const kind of kinds.filter((each) => !without.includes(each))) {
    describe.skipIf(kind === 'native' && lacksNative)(`${name} on ${kind}`, () => onEngine(kind, define));
  }
}

function onEngine(kind: EngineKind, define: (engine: () => Engine) => void): void {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ prefer: [kind], allowSoftwareAdapter: true });
  });
  define(() => engine);
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
