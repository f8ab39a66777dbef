import type { Tensor3D } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { initialise } from '../../tensors/initialise.ts';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { slicePretrainingLayout } from '../../tensors/layouts/slice-pretraining.ts';
import { sliceEmbedding } from '../encoders/slice-encoder.ts';
import { openEngine } from '../engine/open-engine.ts';
import { disposeParameters, loadParameters } from '../parameters.ts';
import { embedSlices } from './embed-slices.ts';
import { imagesAtOnce } from './images-at-once.ts';

const architecture = 'vit_tiny_patch16' as const;
const imageSizePixels = 32;
const layout = slicePretrainingLayout({ architecture, imageSizePixels, projectionWidth: 16 });
const parameters = initialise(layout, 'embed slices test');
const noise = (count: number) => {
  const random = createRandom('slices');
  return Float32Array.from({ length: count * imageSizePixels ** 2 }, () => random.next());
};

describeOnEachEngine('embedSlices()', (engine) => {
  test('gives each slice the embedding it has alone, whatever the batch', async () => {
    const images = noise(5);
    const progress: number[] = [];
    const options = { architecture, imageSizePixels, parameters, images, count: 5 };
    const before = engine().tf.memory().numTensors;
    const inBatches = await embedSlices(engine(), { ...options, batch: 2, onProgress: (done) => progress.push(done) });
    expect(progress).toEqual([2, 4, 5]);
    expect(inBatches.length).toBe(5 * 192);
    expect(engine().tf.memory().numTensors).toBe(before);

    const tensors = loadParameters(engine(), layout, parameters);
    const last: Tensor3D = engine().tf.tensor3d(images.slice(4 * imageSizePixels ** 2), [1, 32, 32]);
    const alone = sliceEmbedding(engine(), last, { architecture, parameters: tensors });
    expect(inBatches.subarray(4 * 192)).toBeAllClose(alone.dataSync(), { relative: 1e-5, absolute: 0 });
    disposeParameters(tensors);
  });
});

describe('embedSlices()', () => {
  const options = { architecture, imageSizePixels, parameters, images: noise(3), count: 3, batch: 1 };

  test('stops when it is aborted, and leaves no tensor behind', async () => {
    const engine = await openEngine({ prefer: ['wasm'] });
    const before = engine.tf.memory().numTensors;
    const controller = new AbortController();
    const seen: number[] = [];
    const embedding = embedSlices(engine, {
      ...options,
      signal: controller.signal,
      onProgress: (done) => {
        seen.push(done);
        controller.abort(new Error('the round has ended'));
      },
    });
    await expect(embedding).rejects.toThrow('the round has ended');
    expect(seen).toEqual([1]);
    expect(engine.tf.memory().numTensors).toBe(before);
  });

  test('gives nothing for nothing', async () => {
    const engine = await openEngine({ prefer: ['wasm'] });
    expect(await embedSlices(engine, { ...options, images: new Float32Array(0), count: 0 })).toEqual(
      new Float32Array(0),
    );
  });

  test('refuses images and parameters of another size', async () => {
    const engine = await openEngine({ prefer: ['wasm'] });
    await expect(embedSlices(engine, { ...options, count: 2 })).rejects.toThrow('2048 numbers are needed, found 3072');
    await expect(embedSlices(engine, { ...options, parameters: parameters.subarray(1e6) })).rejects.toThrow(TypeError);
  });
});

describeOnEachEngine(
  'embedSlices() in several threads',
  (engine) => {
    const options = { architecture, imageSizePixels, parameters, images: noise(3), count: 3, batch: 1 };

    test('gives the same in several threads, more than there are slices among them, and stops them when it is aborted', async () => {
      const alone = await embedSlices(engine(), { ...options, threads: 1 });
      const progress: number[] = [];
      for (const threads of [2, 4]) {
        const onProgress = (done: number) => progress.push(done);
        const together = await embedSlices(engine(), { ...options, threads, onProgress });
        expect(together).toBeAllClose(alone, { relative: 1e-5, absolute: 0 });
      }
      expect(progress).toEqual([2, 3, 3]);
      const controller = new AbortController();
      const left = embedSlices(engine(), { ...options, threads: 2, signal: controller.signal });
      controller.abort(new Error('the round has ended'));
      await expect(left).rejects.toThrow('the round has ended');
    });
  },
  { without: ['plain'] },
);

describe('imagesAtOnce()', () => {
  test('allows fewer images the larger they are, and always one', () => {
    const most = (imageSizePixels: number) => imagesAtOnce({ architecture, imageSizePixels });
    expect(most(64)).toBe(240);
    expect(most(224)).toBe(20);
    expect(most(2048)).toBe(1);
  });

  test('allows fewer images the wider the encoder is', () => {
    expect(imagesAtOnce({ architecture: 'vit_small_patch16', imageSizePixels: 224 })).toBe(10);
    expect(imagesAtOnce({ architecture: 'vit_base_patch16', imageSizePixels: 224 })).toBe(5);
    expect(imagesAtOnce({ architecture: 'vit_small_patch16', imageSizePixels: 224 }, 'native')).toBe(20);
  });
});
