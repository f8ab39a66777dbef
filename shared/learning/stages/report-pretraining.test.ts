import { expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { initialise } from '../../tensors/initialise.ts';
import { type ReportPretrainingSizes, reportPretrainingLayout } from '../../tensors/layouts/report-pretraining.ts';
import '../../test/all-close.ts';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import type { Engine } from '../engine/open-engine.ts';
import { retrievalRecall } from '../evaluation/retrieval-recall.ts';
import type { ReportBatch } from './report-batch.ts';
import { createReportPretraining, type ReportPretrainingOptions } from './report-pretraining.ts';

const sizes: ReportPretrainingSizes = {
  encoder: { width: 16, depth: 1, heads: 2, mlpWidth: 32, patchSizePixels: 4 },
  decoder: { width: 8, depth: 1, heads: 2 },
  imageSizePixels: 12,
  inputChannels: 2,
  predictionScale: 2,
  text: { vocabulary: 20, maximumTokens: 6, width: 12, depth: 1, heads: 2, mlpWidth: 24 },
};
const layout = reportPretrainingLayout(sizes);
const start = initialise(layout, 'report pretraining test');
const optimiser = { learningRate: 1e-2, warmUpFraction: 0, weightDecay: 0.05, beta1: 0.9, beta2: 0.95, clipNorm: 10 };

function open(engine: Engine, options: Partial<ReportPretrainingOptions> = {}) {
  return createReportPretraining(engine, { sizes, optimiser, seed: 1, parameters: start, ...options });
}

/** Each sample's image repeats a texture of its own under some noise, and two words of its report name it. */
function batchOf(samples: number): ReportBatch {
  const random = createRandom('reports');
  const [channels, tilePixels] = [sizes.inputChannels, 4];
  const textures = Float32Array.from({ length: samples * channels * tilePixels ** 2 }, () => random.normal());
  const images = (scale: number, noise: number) => {
    const sizePixels = scale * sizes.imageSizePixels;
    return Float32Array.from({ length: samples * channels * sizePixels ** 2 }, (_, index) => {
      const [row, column] = [Math.floor(index / sizePixels) % sizePixels, index % sizePixels];
      const [tileRow, tileColumn] = [row, column].map((place) => Math.floor(place / scale) % tilePixels);
      const plane = Math.floor(index / sizePixels ** 2);
      return textures[(plane * tilePixels + tileRow!) * tilePixels + tileColumn!]! + noise * random.normal();
    });
  };
  const length = 5;
  const ids = Int32Array.from({ length: samples * length }, (_, index) => {
    const [sample, token] = [Math.floor(index / length), index % length];
    return [2, 4 + (sample % 4), 8 + Math.floor(sample / 4), 3, 0][token]!;
  });
  return {
    samples,
    images: images(1, 0.2),
    largeImages: images(sizes.predictionScale, 0),
    texts: {
      count: samples,
      length,
      ids,
      attentionMask: ids.map((id) => Number(id !== 0)),
      tokenTypeIds: new Int32Array(ids.length),
    },
  };
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describeOnEachEngine('createReportPretraining()', (engine) => {
  test('learns to predict patches and to find reports, and keeps no tensor of a step', async () => {
    const { tf } = engine();
    const batch = batchOf(8);
    const before = tf.memory().numTensors;
    const training = open(engine());
    const held = tf.memory().numTensors;
    const losses: number[] = [];
    for (let step = 0; step < 100; step += 1) {
      losses.push(await training.step(batch, { progress: 0 }));
      expect(tf.memory().numTensors).toBe(held);
    }
    expect(mean(losses.slice(-5))).toBeLessThan(0.1 * mean(losses.slice(0, 5)));
    const { images, texts } = await training.embed(batch);
    const [found] = retrievalRecall(images, texts, { count: 8, width: sizes.text.width, ks: [1] });
    expect(found!.recall).toBeGreaterThan(0.9);
    expect(tf.memory().numTensors).toBe(held);
    training.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('takes the same step whether images and texts pass their encoders together or in parts', async () => {
    const after = async (options: Partial<ReportPretrainingOptions>) => {
      // Steps in proportion to the gradient, so that rounding stays rounding.
      const training = open(engine(), {
        ...options,
        optimiser: { ...optimiser, epsilon: 1 },
        reconstructionShare: 0.9,
      });
      const loss = await training.step(batchOf(7), { progress: 0 });
      const moved = await training.parameters();
      const embedded = await training.embed(batchOf(7));
      training.dispose();
      return { loss, moved, embedded };
    };
    const [whole, parts] = [await after({}), await after({ imagesAtOnce: 3, textsAtOnce: 2 })];
    expect(parts.loss).toBeCloseTo(whole.loss, 5);
    expect(parts.moved).toBeAllClose(whole.moved, { relative: 1e-6, absolute: 0 });
    expect(parts.embedded.images).toBeAllClose(whole.embedded.images, { relative: 1e-4, absolute: 0 });
    expect(whole.moved).not.toEqual(start);
  });

  test('removes other patches at each step and for another seed, and the same for the same seed', async () => {
    const lossesWith = async (seed: number) => {
      const training = open(engine(), { seed, optimiser: { ...optimiser, learningRate: 0 } });
      const losses = [];
      for (let step = 0; step < 2; step += 1) losses.push(await training.step(batchOf(4), { progress: 0 }));
      training.dispose();
      return losses;
    };
    const first = await lossesWith(1);
    expect(await lossesWith(1)).toEqual(first);
    expect(first[0]).not.toBe(first[1]);
    expect(await lossesWith(2)).not.toEqual(first);
  });

  test('trains every tensor, and lets matrices decay but no bias, norm or factor', async () => {
    const after = async (weightDecay: number) => {
      const training = open(engine(), { optimiser: { ...optimiser, weightDecay } });
      await training.step(batchOf(4), { progress: 0 });
      const moved = await training.parameters();
      training.dispose();
      return moved;
    };
    const [plain, decayed] = [await after(0), await after(0.5)];
    expect(plain).toHaveLength(layout.size);
    const changed = (a: Float32Array, b: Float32Array) =>
      layout.tensors.filter(({ offset, size }) =>
        a.subarray(offset, offset + size).some((value, index) => value !== b[offset + index]),
      );
    expect(changed(start, plain)).toEqual(layout.tensors);
    // The importance of patches is a matrix, but starts at zero.
    const matrices = layout.tensors.filter(({ name, shape }) => shape.length >= 2 && name !== 'pos_weight_img.weight');
    expect(changed(plain, decayed)).toEqual(matrices);
  });

  test('refuses what does not fit, by name, and keeps no tensor of it', async () => {
    const { tf } = engine();
    const training = open(engine());
    const held = tf.memory().numTensors;
    const batch = batchOf(2);
    const refuse = (broken: Partial<ReportBatch>) =>
      expect(training.step({ ...batch, ...broken }, { progress: 0 })).rejects;
    await refuse({ images: batch.images.slice(1) }).toThrow('images must be [2, 2, 12, 12], 576 values, found 575');
    await refuse({ largeImages: batch.images }).toThrow('largeImages must be [2, 2, 24, 24]');
    await refuse({ largeImages: null }).toThrow('largeImages of 24 pixels a side are to be predicted, found none');
    await refuse({ samples: 1 }).toThrow('at least two samples');
    await refuse({ texts: batchOf(3).texts }).toThrow('texts must be 2, found 3');
    const ids = batch.texts.ids.map((id) => id + 20);
    await refuse({ texts: { ...batch.texts, ids } }).toThrow('texts.ids must be from 0 to 19');
    await expect(training.step(batch, { progress: 2 })).rejects.toThrow(RangeError);
    expect(tf.memory().numTensors).toBe(held);
    training.dispose();
    expect(() => open(engine(), { parameters: start.slice(1) })).toThrow(TypeError);
    expect(() => open(engine(), { maskRatio: 0.99 })).toThrow('at least one must be removed and one left');
  });
});
