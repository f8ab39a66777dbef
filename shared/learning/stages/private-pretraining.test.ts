import { beforeAll, describe, expect, test } from 'vitest';
import { createClippedSum } from '../../privacy/clipped-sum.ts';
import { epsilonSpent } from '../../privacy/rdp.ts';
import { seededBytes } from '../../privacy/testing/seeded-bytes.ts';
import { createRandom } from '../../random/seeded-random.ts';
import { initialise } from '../../tensors/initialise.ts';
import { slicePretrainingLayout } from '../../tensors/layouts/slice-pretraining.ts';
import { type Engine, openEngine } from '../engine/open-engine.ts';
import { disposeParameters, splitParameters } from '../parameters.ts';
import { addGroupGradients } from './private-gradient.ts';
import { createPrivatePretraining, type PrivatePretrainingOptions } from './private-pretraining.ts';

const shapes = { architecture: 'vit_tiny_patch16', imageSizePixels: 32, projectionWidth: 16 } as const;
const pixels = shapes.imageSizePixels ** 2;
const layout = slicePretrainingLayout(shapes);
const start = initialise(layout, 'private pretraining test');
const clip = 0.05;

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ prefer: ['wasm'] });
});

/** A patient's slices: a disc whose place and brightness are the patient's own. */
function slicesOf(patient: number, count: number): Float32Array {
  const images = new Float32Array(count * pixels);
  const random = createRandom(`patient ${patient}`);
  for (let slice = 0; slice < count; slice += 1) {
    const [row, column] = [8 + random.int(16), 8 + random.int(16)];
    for (let pixel = 0; pixel < pixels; pixel += 1) {
      const distance = Math.hypot(Math.floor(pixel / 32) - row, (pixel % 32) - column);
      images[slice * pixels + pixel] = distance < 4 + patient ? 0.3 + 0.1 * patient : 0.1;
    }
  }
  return images;
}

function together(...parts: Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

const step = clip / 2 ** 18;

/** The sum of the groups' clipped gradients in steps of the grid, with the same coins each time. */
async function clippedSum(groups: readonly Float32Array[]): Promise<Float64Array> {
  const parameters = splitParameters(engine, layout, engine.tf.tensor1d(start));
  const sum = createClippedSum({ size: layout.size, clip, step });
  const options = { ...shapes, temperature: 0.2, random: createRandom('views') };
  await addGroupGradients(engine, { parameters, groups, sum }, options);
  disposeParameters(parameters);
  return sum.steps;
}

function distance<T extends Float32Array | Float64Array>(a: T, b: T): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index]! - b[index]!) ** 2;
  return Math.sqrt(sum);
}

describe('addGroupGradients() on adjacent cohorts', () => {
  const ownGroups = [together(slicesOf(0, 2), slicesOf(1, 1)), together(slicesOf(2, 1), slicesOf(3, 2))];
  const empty = new Float32Array(0);

  test.each([
    { name: 'joins others', without: ownGroups, withPatient: [ownGroups[0]!, together(ownGroups[1]!, slicesOf(4, 3))] },
    { name: 'makes one slice two', without: [slicesOf(0, 1)], withPatient: [together(slicesOf(0, 1), slicesOf(4, 1))] },
    { name: 'fills an empty group', without: [empty, ownGroups[0]!], withPatient: [slicesOf(4, 3), ownGroups[0]!] },
  ])('a patient who $name moves the sum by at most twice the clip', async ({ without, withPatient }) => {
    const moved = distance(await clippedSum(without), await clippedSum(withPatient));
    expect(moved).toBeLessThanOrEqual((2 * clip) / step);
    // The patient is seen at all, so the bound is tested.
    expect(moved).toBeGreaterThan((0.1 * clip) / step);
  });

  test('groups do not see each other: the sum is that of each group alone, to the last step of the grid', async () => {
    const [first, second] = ownGroups as [Float32Array, Float32Array];
    const [both, alone, other] = [
      await clippedSum([first, second]),
      await clippedSum([first, empty]),
      await clippedSum([empty, second]),
    ];
    expect(both.every((steps, index) => steps === alone[index]! + other[index]!)).toBe(true);
    // Gradients are longer than the clip here, so that clipping is what bounds them.
    const nothing = new Float64Array(layout.size);
    for (const sum of [alone, other]) {
      expect(distance(sum, nothing)).toBeGreaterThan((0.99 * clip) / step);
      expect(distance(sum, nothing)).toBeLessThanOrEqual(clip / step);
    }
  });

  test('refuses images that are not whole slices', async () => {
    await expect(clippedSum([new Float32Array(1500)])).rejects.toThrow('whole slices of 32 x 32 pixels');
  });
});

function open({ privacy, ...options }: Partial<PrivatePretrainingOptions> = {}) {
  const read: number[][] = [];
  const training = createPrivatePretraining(engine, {
    ...shapes,
    temperature: 0.2,
    optimiser: { learningRate: 1e-3, weightDecay: 0.01, beta1: 0.9, beta2: 0.99, warmUpFraction: 0.5, clipNorm: 1 },
    seed: 1,
    parameters: start,
    patients: [[0, 1, 2], [3], [4, 5], [6, 7, 8, 9], [10], [11]],
    readSlices: (slices) => {
      read.push([...slices]);
      return together(...slices.map((slice) => slicesOf(slice % 7, 1)));
    },
    randomBytesAt: (step) => seededBytes(`training ${step}`),
    privacy: { noiseMultiplier: 1, clip, samplingRate: 0.5, groups: 2, slicesPerPatient: 2, ...privacy },
    ...options,
  });
  return { training, read };
}

describe('createPrivatePretraining()', () => {
  test('steps on samples, holds as many tensors after each and none after dispose(), and names the price', async () => {
    const before = engine.tf.memory().numTensors;
    const { training, read } = open();
    await training.step({ progress: 0.5 });
    const held = engine.tf.memory().numTensors;
    await training.step({ progress: 0.5 });
    expect(engine.tf.memory().numTensors).toBe(held);
    const spent = training.spent();
    expect(spent).toEqual({ noiseMultiplier: 1, samplingRate: 0.5, steps: 2 });
    expect(epsilonSpent([spent], { delta: 1e-3 })).toBeGreaterThan(
      epsilonSpent([{ ...spent, steps: 1 }], { delta: 1e-3 }),
    );
    const parameters = await training.parameters();
    expect(parameters.every(Number.isFinite)).toBe(true);
    expect(distance(parameters, start)).toBeGreaterThan(1);
    training.dispose();
    expect(engine.tf.memory().numTensors).toBe(before);
    // Two patients with at least one and at most two slices each, or nobody.
    expect(read.some((slices) => slices.length > 0)).toBe(true);
    for (const slices of read) {
      expect(new Set(slices).size).toBe(slices.length);
      for (const own of [
        [0, 1, 2],
        [4, 5],
        [6, 7, 8, 9],
      ]) {
        expect(slices.filter((slice) => own.includes(slice)).length).toBeLessThanOrEqual(2);
      }
    }
  });

  test('takes a step, and charges it, where nobody is sampled', async () => {
    const { training, read } = open({ patients: [] });
    await training.step({ progress: 0.5 });
    expect(read.flat()).toEqual([]);
    expect(await training.parameters()).not.toEqual(start);
    expect(training.spent().steps).toBe(1);
    training.dispose();
  });

  test('never lets a patient alone in a group, whose slices have no true negatives', async () => {
    const settings = { noiseMultiplier: 1, clip, samplingRate: 1, groups: 2, slicesPerPatient: 2 };
    const { training, read } = open({ patients: [[0, 1, 2, 3]], privacy: settings });
    await training.step({ progress: 0.5 });
    expect(read.flat()).toEqual([]);
    training.dispose();
  });

  test('forgets the groups of a step that was left, so that nobody counts twice in the next', async () => {
    const settings = { noiseMultiplier: 0.1, clip, samplingRate: 1, groups: 2, slicesPerPatient: 4 };
    /** The first step fails at that group; the groups before it, of three patients each with this seed, have been added. */
    const trainAfterFailing = async (failingGroup: number, seed: string) => {
      let reads = 0;
      const { training } = open({
        privacy: settings,
        randomBytesAt: (step) => seededBytes(`${seed} ${step}`),
        readSlices: (slices) => {
          reads += 1;
          if (reads === failingGroup) throw new Error('the folder is gone');
          return together(...slices.map((slice) => slicesOf(slice % 7, 1)));
        },
      });
      await expect(training.step({ progress: 0.5 })).rejects.toThrow('the folder is gone');
      expect(training.spent().steps).toBe(1);
      await training.step({ progress: 0.5 });
      const parameters = await training.parameters();
      training.dispose();
      return parameters;
    };
    const first = await trainAfterFailing(1, 'e');
    const second = await trainAfterFailing(2, 'e');
    expect(distance(first, second)).toBe(0);
  });

  test('refuses settings that would protect nobody', () => {
    const settings = { noiseMultiplier: 1, clip, samplingRate: 0.5, groups: 2, slicesPerPatient: 2 };
    expect(() => open({ privacy: { ...settings, noiseMultiplier: 0 } })).toThrow(RangeError);
    expect(() => open({ privacy: { ...settings, slicesPerPatient: 0 } })).toThrow(RangeError);
  });
});
