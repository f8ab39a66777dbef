/** Training holds no more after ten thousand steps than after two thousand: neither tensors nor memory. */
import type { Scalar, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { initialise } from '../../tensors/initialise.ts';
import { createLayout } from '../../tensors/layout.ts';
import { projectionHeadLayout } from '../../tensors/layouts/projection-head.ts';
import { vitLayout } from '../../tensors/layouts/vit.ts';
import { sliceViews } from '../augmentations/slice-views.ts';
import { patches } from '../encoders/patches.ts';
import { projectionHead } from '../encoders/projection-head.ts';
import { vitEmbedding } from '../encoders/vit.ts';
import { type Engine, type EngineKind, openEngine } from '../engine/open-engine.ts';
import { ntXent } from '../objectives/nt-xent.ts';
import { createAdamW } from '../optimisers/adamw.ts';
import { cachedGradient } from '../optimisers/cached-gradient.ts';

const STEPS = 10_000;
const SAMPLED_EVERY = 50;
/** Caches fill and the heap finds its size before. */
const WARM_UP = 2_000;
/** Between the thousand steps after warm-up and the last thousand. A leak of 3 kB a step would be larger. */
const ALLOWED_GROWTH_BYTES = 16e6;

const kinds = (process.env['WARDROUND_TEST_ENGINES']?.split(',') ?? ['wasm']) as EngineKind[];
const sizes = { width: 32, depth: 2, heads: 2, mlpWidth: 64, patchSizePixels: 8 };
const [imageSizePixels, batch] = [16, 4];

/** Everything that a step of slice pretraining does, on a model small enough for ten thousand of them. */
function openTinyTraining(engine: Engine) {
  const { tf } = engine;
  const group = 'slice';
  const encoder = vitLayout({ sizes, imageSizePixels, inputChannels: 1, group });
  const head = projectionHeadLayout({ inputWidth: sizes.width, outputWidth: 16, group });
  const layout = createLayout([...encoder.tensors, ...head.tensors]);
  const settings = { beta1: 0.9, beta2: 0.999, weightDecay: 0.01, clipNorm: 1 };
  const optimiser = createAdamW(engine, layout, { ...settings, values: initialise(layout, 'long') });
  const random = createRandom('long');
  const pixels = Float32Array.from({ length: batch * imageSizePixels ** 2 }, () => random.next());
  return {
    async step(index: number): Promise<number> {
      const parameters = optimiser.parameters();
      const views = tf.tidy(() => {
        const slices: Tensor3D = tf.tensor3d(pixels, [batch, imageSizePixels, imageSizePixels]);
        return sliceViews(engine, slices, random.fork(`step/${index}`));
      });
      const { value, gradient } = cachedGradient(engine, parameters, {
        inputs: views,
        // Fewer than the views, so that the cached gradient is walked too.
        inputsAtOnce: 5,
        encode: (part) => {
          const oneChannel: Tensor4D = tf.expandDims(part, 1);
          const cut = patches(engine, oneChannel, { patchSizePixels: sizes.patchSizePixels });
          return vitEmbedding(engine, cut, { images: part.shape[0], parameters, ...sizes });
        },
        loss: (embeddings): Scalar =>
          ntXent(engine, projectionHead(engine, embeddings, parameters), { temperature: 0.2 }),
      });
      optimiser.step(gradient, { learningRate: 1e-3 });
      const [loss] = await value.data<'float32'>();
      tf.dispose([views, value, gradient]);
      return loss!;
    },
    dispose: optimiser.dispose,
  };
}

describe.each(kinds)('ten thousand steps on %s', (kind) => {
  test('leave the number of tensors and the resident memory flat', { timeout: 600_000 }, async () => {
    const engine = await openEngine({ prefer: [kind], allowSoftwareAdapter: true });
    const before = engine.tf.memory().numTensors;
    const training = openTinyTraining(engine);
    const held = engine.tf.memory().numTensors;
    const residentBytes: number[] = [];
    for (let index = 0; index < STEPS; index += 1) {
      const loss = await training.step(index);
      if (index % SAMPLED_EVERY !== 0) continue;
      expect(loss).toBeLessThan(10);
      expect(engine.tf.memory().numTensors).toBe(held);
      // What the next collection would free is not held.
      globalThis.gc!();
      residentBytes.push(process.memoryUsage.rss());
    }
    const window = (from: number, to: number) => median(residentBytes.slice(from / SAMPLED_EVERY, to / SAMPLED_EVERY));
    const growth = window(STEPS - 1000, STEPS) - window(WARM_UP, WARM_UP + 1000);
    console.info(
      `${kind}: ${(growth / 1e6).toFixed(1)} MB more after ${STEPS} steps, of ${megabytes(residentBytes)} MB`,
    );
    expect(growth).toBeLessThan(ALLOWED_GROWTH_BYTES);
    training.dispose();
    expect(engine.tf.memory().numTensors).toBe(before);
  });
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function megabytes(values: readonly number[]): string {
  return (values.at(-1)! / 1e6).toFixed(0);
}
