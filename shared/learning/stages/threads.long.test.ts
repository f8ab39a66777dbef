/** Training in several threads holds no more after five hundred steps than after three hundred. */
import { expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { initialise } from '../../tensors/initialise.ts';
import { slicePretrainingLayout } from '../../tensors/layouts/slice-pretraining.ts';
import { openEngine } from '../engine/open-engine.ts';
import { createSlicePretraining } from './slice-pretraining.ts';

const model = { architecture: 'vit_tiny_patch16', imageSizePixels: 16, projectionWidth: 16 } as const;
const optimiser = {
  learningRate: 1e-4,
  weightDecay: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  warmUpFraction: 0,
  clipNorm: 1,
};
/** Each thread collects its garbage at times of its own; a leak of one gradient a step would be 4 GB. */
const ALLOWED_GROWTH_BYTES = 64e6;

test('five hundred steps in two threads leave the resident memory flat', { timeout: 600_000 }, async () => {
  const engine = await openEngine({ prefer: ['wasm'] });
  const parameters = initialise(slicePretrainingLayout(model), 'threads');
  const training = createSlicePretraining(engine, {
    ...model,
    optimiser,
    parameters,
    temperature: 0.2,
    seed: 'threads',
    threads: 2,
  });
  const random = createRandom('threads');
  const images = Float32Array.from({ length: 4 * model.imageSizePixels ** 2 }, () => random.next());
  const residentBytes: number[] = [];
  for (let step = 0; step < 500; step += 1) {
    expect(await training.step(images, { progress: 0.1 })).toBeLessThan(10);
    residentBytes.push(process.memoryUsage.rss());
  }
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
  const growth = median(residentBytes.slice(450)) - median(residentBytes.slice(250, 300));
  console.info(`two threads: ${(growth / 1e6).toFixed(1)} MB more, of ${(residentBytes.at(-1)! / 1e6).toFixed(0)} MB`);
  expect(growth).toBeLessThan(ALLOWED_GROWTH_BYTES);
  training.dispose();
});
