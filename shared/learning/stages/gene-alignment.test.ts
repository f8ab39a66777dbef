import { expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { initialise } from '../../tensors/initialise.ts';
import { type GeneAlignmentSizes, geneAlignmentLayout } from '../../tensors/layouts/gene-alignment.ts';
import '../../test/all-close.ts';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import type { Engine } from '../engine/open-engine.ts';
import { retrievalRecall } from '../evaluation/retrieval-recall.ts';
import { createGeneAlignment, type GeneAlignmentOptions } from './gene-alignment.ts';
import type { GeneBatch } from './gene-batch.ts';

const sizes: GeneAlignmentSizes = {
  image: { width: 12, depth: 1, heads: 2, mlpWidth: 24, patchSizePixels: 4 },
  imageSizePixels: 8,
  inputChannels: 3,
  genes: {
    genes: 14,
    genesPerToken: 4,
    width: 10,
    depth: 1,
    states: 3,
    convolutionTaps: 3,
    innerRatio: 2,
    normalisation: 'rms',
    embeddingWidth: 8,
  },
};
const layout = geneAlignmentLayout(sizes);
const start = initialise(layout, 'gene alignment test');
const optimiser = { learningRate: 1e-2, warmUpFraction: 0, weightDecay: 0.05, beta1: 0.9, beta2: 0.98, clipNorm: 10 };

function open(engine: Engine, options: Partial<GeneAlignmentOptions> = {}) {
  return createGeneAlignment(engine, { sizes, optimiser, parameters: start, ...options });
}

/** A patient's slices show one pattern under noise of their own; profiles are as different as chance makes them. */
function batchOf(patients: number, slicesEach: number): GeneBatch {
  const random = createRandom('genes');
  const slices = patients * slicesEach;
  const pixels = sizes.inputChannels * sizes.imageSizePixels ** 2;
  const patterns = Float32Array.from({ length: patients * pixels }, () => random.normal());
  const patientOf = Int32Array.from({ length: slices }, (_, slice) => slice % patients);
  const images = Float32Array.from({ length: slices * pixels }, (_, index) => {
    const patient = patientOf[Math.floor(index / pixels)]!;
    return patterns[patient * pixels + (index % pixels)]! + 0.3 * random.normal();
  });
  const profiles = Float32Array.from({ length: patients * sizes.genes.genes }, () => random.normal());
  return { slices, patients, images, patientOf, profiles, measured: null };
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describeOnEachEngine('createGeneAlignment()', (engine) => {
  test('learns to find each slice’s profile, and keeps no tensor of a step', async () => {
    const { tf } = engine();
    const batch = batchOf(6, 2);
    const before = tf.memory().numTensors;
    const alignment = open(engine());
    const held = tf.memory().numTensors;
    const losses: number[] = [];
    for (let step = 0; step < 40; step += 1) {
      losses.push(await alignment.step(batch, { progress: 0 }));
      expect(tf.memory().numTensors).toBe(held);
    }
    expect(mean(losses.slice(-5))).toBeLessThan(0.2 * mean(losses.slice(0, 5)));
    const { images, genes } = await alignment.embed(batch);
    const width = sizes.genes.embeddingWidth;
    for (const first of [0, 6]) {
      const ofPatients = images.subarray(first * width, (first + 6) * width);
      expect(retrievalRecall(ofPatients, genes, { count: 6, width, ks: [1] })[0]!.recall).toBeGreaterThan(0.9);
    }
    expect(tf.memory().numTensors).toBe(held);
    alignment.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('takes the same step whether slices and profiles pass their encoders together or in parts', async () => {
    const whole = batchOf(5, 2);
    const genes = whole.patients * sizes.genes.genes;
    // One patient lacks the genes of a whole token, another a single gene.
    const measured = Uint8Array.from({ length: genes }, (_, index) => Number((index < 4 || index > 7) && index !== 19));
    const after = async (options: Partial<GeneAlignmentOptions>) => {
      // Steps in proportion to the gradient, so that rounding stays rounding.
      const alignment = open(engine(), { ...options, optimiser: { ...optimiser, epsilon: 1 } });
      const loss = await alignment.step({ ...whole, measured }, { progress: 0 });
      const moved = await alignment.parameters();
      alignment.dispose();
      return { loss, moved };
    };
    const [together, parts] = [await after({}), await after({ slicesAtOnce: 4, profilesAtOnce: 2 })];
    expect(parts.loss).toBeCloseTo(together.loss, 5);
    expect(parts.moved).toBeAllClose(together.moved, { relative: 1e-6, absolute: 0 });
    expect(together.moved).not.toEqual(start);
  });

  test('gives the same losses for the same start', async () => {
    const train = async () => {
      const alignment = open(engine());
      const losses = [];
      for (let step = 0; step < 3; step += 1) losses.push(await alignment.step(batchOf(3, 2), { progress: 0 }));
      alignment.dispose();
      return losses;
    };
    expect(await train()).toEqual(await train());
  });

  test('does not count a patient’s other slices as negatives', async () => {
    const lossOf = async (batch: GeneBatch, otherSlices: 'masked' | 'positive') => {
      const alignment = open(engine(), { otherSlices });
      const loss = await alignment.step(batch, { progress: 0 });
      alignment.dispose();
      return loss;
    };
    // Where all slices and all profiles are alike, the loss is the logarithm of how many compete: one of 3 patients with 2 each.
    const different = batchOf(3, 2);
    const alike = { ...different, images: different.images.map(() => 1), profiles: different.profiles.map(() => 1) };
    expect(await lossOf(alike, 'masked')).toBeCloseTo(Math.log(1 + 4), 5);
    expect(await lossOf(alike, 'positive')).toBeCloseTo(Math.log(2 + 4), 5);
  });

  test('trains every tensor, and lets matrices decay but no position, bias, norm, rate or scale', async () => {
    const after = async (weightDecay: number) => {
      const alignment = open(engine(), { optimiser: { ...optimiser, weightDecay } });
      await alignment.step(batchOf(4, 1), { progress: 0 });
      const moved = await alignment.parameters();
      alignment.dispose();
      return moved;
    };
    const [plain, decayed] = [await after(0), await after(0.5)];
    expect(plain).toHaveLength(layout.size);
    const changed = (a: Float32Array, b: Float32Array) =>
      layout.tensors.filter(({ offset, size }) =>
        a.subarray(offset, offset + size).some((value, index) => value !== b[offset + index]),
      );
    expect(changed(start, plain)).toEqual(layout.tensors);
    const matrices = layout.tensors.filter(
      ({ name, shape }) => shape.length >= 2 && !/(pos_embed|cls_token|A_log)$/.test(name),
    );
    expect(changed(plain, decayed)).toEqual(matrices);
  });

  test('keeps the scale of the cosines within CLIP’s bounds', async () => {
    const { offset } = layout.tensors.find(({ name }) => name === 'logit_scale')!;
    const alignment = open(engine(), { parameters: start.with(offset, 9) });
    await alignment.step(batchOf(3, 1), { progress: 0 });
    expect((await alignment.parameters())[offset]).toBeCloseTo(Math.log(100), 6);
    alignment.dispose();
  });

  test('refuses what does not fit, by name, and keeps no tensor of it', async () => {
    const { tf } = engine();
    const alignment = open(engine());
    const held = tf.memory().numTensors;
    const batch = batchOf(2, 2);
    const refuse = (broken: Partial<GeneBatch>) =>
      expect(alignment.step({ ...batch, ...broken }, { progress: 0 })).rejects;
    await refuse({ images: batch.images.slice(1) }).toThrow('images must be [4, 3, 8, 8], 768 values, found 767');
    await refuse({ patientOf: Int32Array.of(0, 1) }).toThrow('patientOf must be [4]');
    await refuse({ patientOf: Int32Array.of(0, 1, 2, 1) }).toThrow('patientOf must be from 0 to 1');
    await refuse({ patientOf: new Int32Array(4) }).toThrow('at least two patients are needed to contrast, found 1');
    await refuse({ profiles: batch.profiles.slice(2) }).toThrow('profiles must be [2, 14]');
    await refuse({ measured: new Uint8Array(14) }).toThrow('measured must be [2, 14]');
    await refuse({ measured: new Uint8Array(28) }).toThrow('found a patient without');
    await expect(alignment.step(batch, { progress: -1 })).rejects.toThrow(RangeError);
    expect(tf.memory().numTensors).toBe(held);
    alignment.dispose();
    expect(() => open(engine(), { parameters: start.slice(1) })).toThrow(TypeError);
  });
});
