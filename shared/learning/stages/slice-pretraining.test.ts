import { beforeAll, describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { initialise } from '../../tensors/initialise.ts';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { slicePretrainingLayout } from '../../tensors/layouts/slice-pretraining.ts';
import { type Engine, openEngine } from '../engine/open-engine.ts';
import { createSlicePretraining, type SlicePretraining } from './slice-pretraining.ts';
import type { SlicePretrainingOptions } from './slice-pretraining-options.ts';

const shapes = { architecture: 'vit_tiny_patch16', imageSizePixels: 32, projectionWidth: 16 } as const;
const layout = slicePretrainingLayout(shapes);
const start = initialise(layout, 'slice pretraining test');

function open(
  engine: Engine,
  { seed = 1, parameters = start, ...division }: Partial<SlicePretrainingOptions> = {},
): SlicePretraining {
  return createSlicePretraining(engine, {
    ...division,
    ...shapes,
    temperature: 0.2,
    optimiser: { learningRate: 1e-3, weightDecay: 0.01, beta1: 0.9, beta2: 0.99, warmUpFraction: 0.5, clipNorm: 1 },
    seed,
    parameters,
  });
}

/** Slices that differ by where and how bright a disc is. */
function discs(count: number): Float32Array {
  const random = createRandom('discs');
  const size = shapes.imageSizePixels;
  const images = new Float32Array(count * size * size);
  for (let slice = 0; slice < count; slice += 1) {
    const [row, column] = [8 + random.int(16), 8 + random.int(16)];
    const [radius, brightness] = [3 + random.int(6), 0.4 + 0.6 * random.next()];
    for (let pixel = 0; pixel < size * size; pixel += 1) {
      const distance = Math.hypot(Math.floor(pixel / size) - row, (pixel % size) - column);
      images[slice * size * size + pixel] = distance < radius ? brightness : 0.1;
    }
  }
  return images;
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('createSlicePretraining()', () => {
  test('learns to recognise slices, with as many tensors after each of 30 steps and none after dispose()', async () => {
    const engine = await openEngine({ prefer: ['wasm'] });
    const before = engine.tf.memory().numTensors;
    const training = open(engine);
    const losses = [await training.step(discs(8), { progress: 0.5 })];
    const held = engine.tf.memory().numTensors;
    for (let step = 1; step < 30; step += 1) {
      losses.push(await training.step(discs(8), { progress: 0.5 }));
      expect(engine.tf.memory().numTensors).toBe(held);
    }
    expect(mean(losses.slice(-5))).toBeLessThan(0.85 * mean(losses.slice(0, 5)));
    training.dispose();
    expect(engine.tf.memory().numTensors).toBe(before);
  });

  test('computes the same on WebAssembly and in plain JavaScript', async () => {
    const losses = async (kind: 'wasm' | 'plain') => {
      const training = open(await openEngine({ prefer: [kind] }));
      const both = [
        await training.step(discs(2), { progress: 0.25 }),
        await training.step(discs(2), { progress: 0.5 }),
      ];
      training.dispose();
      return both;
    };
    expect(await losses('wasm')).toBeAllClose(await losses('plain'), { relative: 1e-3, absolute: 0 });
  });

  test('gives the same parameters for the same seed, to the bit, and others for another', async () => {
    const engine = await openEngine({ prefer: ['wasm'] });
    const train = async (seed: number) => {
      const training = open(engine, { seed });
      await training.step(discs(3), { progress: 0.1 });
      await training.step(discs(3), { progress: 0.2 });
      const parameters = await training.parameters();
      training.dispose();
      return Buffer.from(parameters.buffer);
    };
    const first = await train(1);
    expect(first.equals(await train(1))).toBe(true);
    expect(first.equals(await train(2))).toBe(false);
  });

  test('moves no parameter where the schedule starts at zero, and leaves the given vector alone', async () => {
    const engine = await openEngine({ prefer: ['wasm'] });
    const training = open(engine);
    await training.step(discs(2), { progress: 0 });
    expect(await training.parameters()).toEqual(start);
    await training.step(discs(2), { progress: 0.5 });
    expect(await training.parameters()).not.toEqual(start);
    expect(start).toEqual(initialise(layout, 'slice pretraining test'));
    training.dispose();
  });
});

describeOnEachEngine(
  'createSlicePretraining() in several threads',
  (engine) => {
    /** Losses of batches of five, three and two slices, and the parameters after them. */
    async function train(division: Parameters<typeof open>[1]) {
      const training = open(engine(), division);
      const losses: number[] = [];
      for (const count of [5, 3, 2]) losses.push(await training.step(discs(count), { progress: 0.5 }));
      const parameters = await training.parameters();
      training.dispose();
      return { losses, parameters };
    }

    let whole: Awaited<ReturnType<typeof train>>;
    beforeAll(async () => {
      whole = await train({ threads: 1 });
    });

    test.each([
      { threads: 2 },
      { threads: 3 },
      { threads: 4 },
      // More threads than the last batch has views, and shares that pass the encoder in parts of two and one.
      { threads: 5 },
      { threads: 3, viewsAtOnce: 2 },
      { threads: 1, viewsAtOnce: 3 },
    ])('learns the same with %o as in one thread, but for rounding', async (division) => {
      const divided = await train(division);
      expect(divided.losses).toBeAllClose(whole.losses, { relative: 1e-4, absolute: 0 });
      // AdamW divides by the gradient's size, so where the gradient is nothing but rounding a step may differ altogether.
      const moved = distance(whole.parameters, start);
      expect(moved).toBeGreaterThan(1);
      expect(distance(divided.parameters, whole.parameters)).toBeLessThan(0.02 * moved);
    });

    test('says that training has diverged with a loss that is not a number, as one thread does', async () => {
      for (const threads of [1, 2]) {
        const parameters = start.map((value, index) => (index === 0 ? Number.NaN : value));
        const diverged = open(engine(), { threads, parameters });
        await expect(diverged.step(discs(2), { progress: 0.5 })).resolves.toBeNaN();
        diverged.dispose();
      }
    });

    test('gives the same parameters each time, to the bit', async () => {
      const { parameters } = await train({ threads: 3 });
      expect((await train({ threads: 3 })).parameters).toEqual(parameters);
    });

    test.each([
      { threads: 1 },
      { threads: 3 },
    ])('goes on from where another stood, to the bit: %o', async (division) => {
      const { parameters, losses } = await train(division);
      const stopped = open(engine(), division);
      const begun = await stopped.state();
      expect(begun.values).toEqual(start);
      await stopped.step(discs(5), { progress: 0.5 });
      const from = await stopped.state();
      // The copy is its own: another step leaves it alone.
      await stopped.step(discs(3), { progress: 0.5 });
      stopped.dispose();
      for (const state of [from, { ...from, ...begun }]) {
        const left = state === from ? [3, 2] : [5, 3, 2];
        const resumed = open(engine(), { ...division, from: state });
        expect(await resumed.state()).toEqual(state);
        for (const [index, count] of left.entries()) {
          expect(await resumed.step(discs(count), { progress: 0.5 })).toBe(losses[index + 3 - left.length]);
        }
        expect(await resumed.parameters()).toEqual(parameters);
        resumed.dispose();
      }
    });

    test('lets go of a step when the signal aborts, and takes none after dispose()', async () => {
      const before = engine().tf.memory().numTensors;
      const left = open(engine(), { threads: 2 });
      const leave = new AbortController();
      const step = left.step(discs(4), { progress: 0.5, signal: leave.signal });
      leave.abort(new Error('the round has ended'));
      await expect(step).rejects.toThrow('the round has ended');
      const disposed = open(engine(), { threads: 2 });
      await disposed.step(discs(2), { progress: 0.5 });
      disposed.dispose();
      await expect(disposed.step(discs(2), { progress: 0.5 })).rejects.toThrow('the team of threads has been stopped');
      expect(engine().tf.memory().numTensors).toBe(before);
    });
  },
  { without: ['plain'] },
);

function distance(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(a.reduce((sum, value, index) => sum + (value - b[index]!) ** 2, 0));
}

describeOnEachEngine('createSlicePretraining()', (engine) => {
  test('refuses images that are not whole slices, single slices and parameters of another model', async () => {
    const { tf } = engine();
    const before = tf.memory().numTensors;
    const training = open(engine());
    await expect(training.step(new Float32Array(1500), { progress: 0 })).rejects.toThrow(TypeError);
    await expect(training.step(discs(1), { progress: 0 })).rejects.toThrow('at least two slices are needed');
    await expect(training.step(discs(2), { progress: 2 })).rejects.toThrow(RangeError);
    training.dispose();
    expect(() =>
      createSlicePretraining(engine(), {
        ...shapes,
        imageSizePixels: 48,
        temperature: 0.2,
        optimiser: { learningRate: 1, weightDecay: 0, beta1: 0.9, beta2: 0.99, warmUpFraction: 0, clipNorm: 1 },
        seed: 1,
        parameters: start,
      }),
    ).toThrow(TypeError);
    expect(tf.memory().numTensors).toBe(before);
  });
});
