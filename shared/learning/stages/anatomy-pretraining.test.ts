import { expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { initialise } from '../../tensors/initialise.ts';
import type { ParameterLayout } from '../../tensors/layout.ts';
import {
  type AnatomyPretrainingSizes,
  anatomyPretrainingLayout,
  anatomyTextLayout,
} from '../../tensors/layouts/anatomy-pretraining.ts';
import '../../test/all-close.ts';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import type { Engine } from '../engine/open-engine.ts';
import { retrievalRecall } from '../evaluation/retrieval-recall.ts';
import type { AnatomyBatch } from './anatomy-batch.ts';
import {
  type AnatomyPretraining,
  type AnatomyPretrainingOptions,
  createAnatomyPretraining,
} from './anatomy-pretraining.ts';

const sizes: AnatomyPretrainingSizes = {
  volumeVoxels: [4, 4, 6],
  patchVoxels: [2, 2, 3],
  width: 12,
  depth: 2,
  heads: 2,
  mlpWidth: 24,
  taps: [0],
  organHeads: 3,
  organs: 3,
  embeddingWidth: 8,
  text: { vocabulary: 30, maximumTokens: 5, width: 12, depth: 1, heads: 2, mlpWidth: 24 },
};
const tokens = 8;
const layout = anatomyPretrainingLayout(sizes);
const start = startOf(layout, 'anatomy pretraining test');
const optimiser = {
  ...{ learningRate: 3e-3, warmUpFraction: 0, epochs: 1 },
  ...{ weightDecay: 0.01, beta1: 0.9, beta2: 0.999, clipNorm: 10 },
};

/** BERT's deviation of 0.02 suits a width of 768; at 12 it would make all texts alike. */
function startOf(of: ParameterLayout, seed: string): Float32Array {
  const wider = of.tensors.map(({ name, initialiser, ...tensor }) => ({
    ...{ ...tensor, name },
    initialiser:
      name.startsWith('text_encoder') && initialiser.kind === 'truncated-normal'
        ? { ...initialiser, standardDeviation: 0.2 }
        : initialiser,
  }));
  return initialise({ ...of, tensors: wider }, seed);
}

function open(engine: Engine, options: Partial<AnatomyPretrainingOptions> = {}) {
  return createAnatomyPretraining(engine, { sizes, optimiser, parameters: start, ...options });
}

/**
 * Organ k has the tokens 2k and 2k + 1. It is normal in every third sample, where it is dark and shares a text; elsewhere it
 * shows a texture and has a text of its own. `lacking` is an organ that no volume shows.
 */
function batchOf(samples: number, { organs = sizes.organs, lacking = -1 } = {}): AnatomyBatch {
  const random = createRandom('anatomy');
  const [depth, height, width] = sizes.volumeVoxels;
  const volumes = new Float32Array(samples * depth * height * width);
  const flags = new Float32Array(samples * organs * tokens);
  const textOf = new Int32Array(samples * organs);
  const normal: boolean[] = [];
  const ids = [2, 4, 4, 3];
  for (let sample = 0; sample < samples; sample += 1) {
    for (let organ = 0; organ < sizes.organs; organ += 1) {
      const isNormal = (sample + organ) % 3 === 0;
      const texture = Array.from({ length: 4 * width }, () => (isNormal ? 0 : random.int(2)));
      // Two patches beside each other along the width: a grid row of 2 slices x 2 rows.
      const [z, y] = [2 * Math.floor(organ / 2), 2 * (organ % 2)];
      for (let voxel = 0; voxel < 4 * width; voxel += 1) {
        const [row, x] = [Math.floor(voxel / width), voxel % width];
        const at = ((sample * depth + z + (row >> 1)) * height + y + (row & 1)) * width + x;
        volumes[at] = texture[voxel]! + 0.05 * random.normal();
      }
      if (organ >= organs) continue;
      const place = sample * organs + organ;
      normal[place] = isNormal;
      if (organ === lacking) {
        textOf[place] = -1;
        continue;
      }
      flags.fill(1, place * tokens + 2 * organ, place * tokens + 2 * organ + 2);
      if (isNormal) continue;
      textOf[place] = ids.length / 4;
      ids.push(2, 5 + organ, 10 + sample, 3);
    }
  }
  const count = ids.length / 4;
  const texts = {
    ...{ count, length: 4, ids: Int32Array.from(ids) },
    ...{ attentionMask: new Int32Array(ids.length).fill(1), tokenTypeIds: new Int32Array(ids.length) },
  };
  return { samples, volumes, flags, texts, textOf, normal };
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

async function stepOnce(engine: Engine, batch: AnatomyBatch, options: Partial<AnatomyPretrainingOptions> = {}) {
  const training = open(engine, options);
  const loss = await training.step(batch, { progress: 0 });
  const after = { loss, moved: await training.parameters(), momentumTexts: await training.momentumTextParameters() };
  training.dispose();
  return after;
}

describeOnEachEngine('createAnatomyPretraining()', (engine) => {
  /** Losses of steps on one batch, after each of which there are as many tensors as before. */
  async function lossesOf(training: AnatomyPretraining, batch: AnatomyBatch, steps: number): Promise<number[]> {
    const held = engine().tf.memory().numTensors;
    const losses: number[] = [];
    for (let step = 0; step < steps; step += 1) {
      losses.push(await training.step(batch, { progress: 0 }));
      expect(engine().tf.memory().numTensors).toBe(held);
    }
    return losses;
  }

  test('learns to find what is said of an organ, and keeps no tensor of a step', async () => {
    const batch = batchOf(6);
    const before = engine().tf.memory().numTensors;
    const training = open(engine());
    const losses = await lossesOf(training, batch, 60);
    expect(mean(losses.slice(0, 5))).toBeGreaterThan(5);
    // Two of six samples are normal and match both texts, so ln 2 of a third of the rows of three organs cannot be learned.
    expect(mean(losses.slice(-5))).toBeLessThan(Math.log(2) + 0.4);
    const { organs, texts } = await training.embed(batch);
    const width = sizes.embeddingWidth;
    const row = (rows: Float32Array, place: number) => [...rows.subarray(place * width, (place + 1) * width)];
    for (let organ = 0; organ < sizes.organs; organ += 1) {
      const places = Array.from({ length: 6 }, (_, sample) => sample * sizes.organs + organ);
      const abnormal = places.filter((place) => !batch.normal[place]);
      const images = Float32Array.from(abnormal.flatMap((place) => row(organs, place)));
      const said = Float32Array.from(abnormal.flatMap((place) => row(texts, batch.textOf[place]!)));
      const [found] = retrievalRecall(images, said, { count: abnormal.length, width, ks: [1] });
      expect(found!.recall).toBeGreaterThan(0.9);
    }
    training.dispose();
    expect(engine().tf.memory().numTensors).toBe(before);
  });

  test('learns from a momentum text encoder’s targets, too', async () => {
    const before = engine().tf.memory().numTensors;
    const training = open(engine(), { momentumTexts: { momentum: 0.995 } });
    const losses = await lossesOf(training, batchOf(6), 40);
    expect(mean(losses.slice(-5))).toBeLessThan(0.65 * mean(losses.slice(0, 5)));
    training.dispose();
    expect(engine().tf.memory().numTensors).toBe(before);
  });

  test('takes the same step whether volumes and texts pass their encoders together or in parts', async () => {
    // Steps in proportion to the gradient, so that rounding stays rounding.
    const options = { optimiser: { ...optimiser, epsilon: 1 }, momentumTexts: { momentum: 0.9 } };
    const whole = await stepOnce(engine(), batchOf(5), options);
    const parts = await stepOnce(engine(), batchOf(5), { ...options, volumesAtOnce: 2, textsAtOnce: 3 });
    expect(parts.loss).toBeCloseTo(whole.loss, 5);
    expect(parts.moved).toBeAllClose(whole.moved, { relative: 1e-6, absolute: 0 });
    expect(whole.moved).not.toEqual(start);
  });

  test('gives the same losses for the same start', async () => {
    const train = async () => {
      const training = open(engine());
      const losses = [];
      for (let step = 0; step < 3; step += 1) losses.push(await training.step(batchOf(4), { progress: 0 }));
      training.dispose();
      return losses;
    };
    expect(await train()).toEqual(await train());
  });

  test('takes no harm from an organ that no sample has', async () => {
    const withoutDecay = { optimiser: { ...optimiser, weightDecay: 0 } };
    const { loss, moved } = await stepOnce(engine(), batchOf(5, { lacking: 2 }), withoutDecay);
    const fewer = { ...sizes, organs: 2 };
    const parameters = startOf(anatomyPretrainingLayout(fewer), 'anatomy pretraining test');
    const alone = await stepOnce(engine(), batchOf(5, { organs: 2 }), { ...withoutDecay, sizes: fewer, parameters });
    expect(loss).toBeCloseTo(alone.loss, 5);
    expect(moved.every(Number.isFinite)).toBe(true);
    const still = layout.tensors.filter(({ offset, size }) =>
      moved.subarray(offset, offset + size).every((value, index) => value === start[offset + index]),
    );
    expect(still.map(({ name }) => name)).toEqual(['vision_projs.2.weight', 'vision_projs.2.bias']);
  });

  test('changes nothing for a batch that teaches nothing', async () => {
    const batch = batchOf(3);
    const allNormal = { ...batch, normal: batch.normal.map(() => true) };
    const { loss, moved } = await stepOnce(engine(), allNormal);
    expect(loss).toBe(0);
    expect(moved).toEqual(start);
  });

  test('lets a momentum text encoder follow the text side and tell which abnormal texts are alike', async () => {
    const texts = anatomyTextLayout(sizes);
    const parameters = startOf(texts, 'another start');
    const batch = batchOf(5);
    const { loss, momentumTexts } = await stepOnce(engine(), batch, { momentumTexts: { momentum: 0.9, parameters } });
    const followed = texts.tensors.flatMap(({ name, offset, size }) => {
      const trained = layout.tensors.find((tensor) => tensor.name === name)!;
      return Array.from(
        { length: size },
        (_, at) => 0.9 * parameters[offset + at]! + 0.1 * start[trained.offset + at]!,
      );
    });
    expect(momentumTexts).toBeAllClose(followed, { relative: 1e-6, absolute: 1e-8 });
    const plain = await stepOnce(engine(), batch);
    expect(Math.abs(loss - plain.loss)).toBeGreaterThan(1e-4);
    expect(plain.momentumTexts).toBeNull();
  });

  test('trains every tensor, and lets matrices decay but no bias, norm or temperature', async () => {
    const after = async (weightDecay: number) => {
      const { moved } = await stepOnce(engine(), batchOf(4), { optimiser: { ...optimiser, weightDecay } });
      return moved;
    };
    const [plain, decayed] = [await after(0), await after(0.5)];
    expect(plain).toHaveLength(layout.size);
    const changed = (a: Float32Array, b: Float32Array) =>
      layout.tensors.filter(({ offset, size }) =>
        a.subarray(offset, offset + size).some((value, index) => value !== b[offset + index]),
      );
    expect(changed(start, plain)).toEqual(layout.tensors);
    // Queries are a matrix, but start at zero.
    const matrices = layout.tensors.filter(({ name, shape }) => shape.length >= 2 && name !== 'query_tokens');
    expect(changed(plain, decayed)).toEqual(matrices);
  });

  test('takes steps as long as fVLM’s schedule has them', async () => {
    const { offset } = layout.tensors.find(({ name }) => name === 'temp')!;
    // The first step of Adam is as long as the learning rate. The warm-up takes half of the first of four epochs.
    const schedule = { ...optimiser, learningRate: 1e-2, epochs: 4, warmUpFraction: 1 / 8 };
    for (const [progress, learningRate] of [
      [0, 1e-6],
      [1 / 16, (1e-2 + 1e-6) / 2],
      [0.2, 1e-2],
      [0.6, (1e-2 + 1e-6) / 2],
      [1, 1e-6],
    ] as const) {
      const training = open(engine(), { optimiser: schedule });
      await training.step(batchOf(3), { progress });
      const moved = await training.parameters();
      training.dispose();
      expect(Math.abs(moved[offset]! - start[offset]!)).toBeCloseTo(learningRate, 7);
    }
  });

  test('keeps the temperature within fVLM’s bounds', async () => {
    const { offset } = layout.tensors.find(({ name }) => name === 'temp')!;
    for (const [from, to] of [
      [0.9, 0.5],
      [-1, 0.001],
    ] as const) {
      const optimiserOfLittle = { ...optimiser, learningRate: 1e-6 };
      const { loss, moved } = await stepOnce(engine(), batchOf(3), {
        parameters: start.with(offset, from),
        optimiser: optimiserOfLittle,
      });
      expect(Number.isFinite(loss)).toBe(true);
      expect(moved[offset]).toBeCloseTo(to, 5);
    }
  });

  test('refuses what does not fit, by name, and keeps no tensor of it', async () => {
    const { tf } = engine();
    const training = open(engine());
    const held = tf.memory().numTensors;
    const batch = batchOf(2);
    const refuse = (broken: Partial<AnatomyBatch>) =>
      expect(training.step({ ...batch, ...broken }, { progress: 0 })).rejects;
    await refuse({ volumes: batch.volumes.slice(1) }).toThrow('volumes must be [2, 4, 4, 6], 192 values, found 191');
    await refuse({ flags: new Float32Array(3) }).toThrow('flags must be [2, 3, 8]');
    await refuse({ textOf: new Int32Array(5) }).toThrow('textOf must be [2, 3]');
    await refuse({ textOf: new Int32Array(6).fill(99) }).toThrow('textOf must be from -1 to 4');
    await refuse({ normal: [true] }).toThrow('normal must be [2, 3]');
    await refuse({ samples: 1 }).toThrow('at least two samples');
    const ids = batch.texts.ids.map((id) => id + 30);
    await refuse({ texts: { ...batch.texts, ids } }).toThrow('texts.ids must be from 0 to 29');
    await expect(training.step(batch, { progress: 2 })).rejects.toThrow(RangeError);
    expect(tf.memory().numTensors).toBe(held);
    training.dispose();
    expect(() => open(engine(), { parameters: start.slice(1) })).toThrow(TypeError);
  });
});
