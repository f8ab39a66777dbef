import type { Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { resizedCrops } from './resized-crop.ts';
import { sliceViews, viewsOf } from './slice-views.ts';
import { jitterWindow } from './window-jitter.ts';

const size = 16;

describeOnEachEngine('sliceViews()', (engine) => {
  /** Slices that are brighter to the right and to the bottom; the later, the brighter. */
  const ramps = (count: number): Tensor3D =>
    engine().tf.tensor3d(
      Float32Array.from({ length: count * size * size }, (_, index) => {
        const [slice, row, column] = [Math.floor(index / size ** 2), Math.floor(index / size) % size, index % size];
        return (slice + row / size / 2 + column / size / 2) / count;
      }),
      [count, size, size],
    );

  test('gives two different views of each slice, with pixels 0..1', () => {
    const views = sliceViews(engine(), ramps(3), createRandom(1));
    expect(views.shape).toEqual([6, size, size]);
    const values = views.dataSync();
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThanOrEqual(1);
    expect(values.slice(0, size ** 2)).not.toEqual(values.slice(3 * size ** 2, 4 * size ** 2));
  });

  test('puts the second views after the first, in the order of the slices', () => {
    const means = engine()
      .tf.mean(sliceViews(engine(), ramps(4), createRandom(1)), [1, 2])
      .dataSync();
    // The ramps differ by 1/4, which outweighs what the augmentations do to a mean.
    for (const views of [means.slice(0, 4), means.slice(4)])
      expect([...views].sort((a, b) => a - b)).toEqual([...views]);
  });

  test('gives the same views for the same seed, and others for another', () => {
    const values = (seed: number) => sliceViews(engine(), ramps(2), createRandom(seed)).dataSync();
    expect(values(1)).toEqual(values(1));
    expect(values(1)).not.toEqual(values(2));
  });

  test('gives each view whoever makes it', () => {
    const slices = ramps(3);
    const all = sliceViews(engine(), slices, createRandom(1)).dataSync();
    // Of the six views the third to the fifth: of the last slice, the first and the second.
    const shown = engine().tf.gather(slices, engine().tf.tensor1d([2, 0, 1], 'int32'));
    const some = viewsOf(engine(), shown, { random: createRandom(1), share: { first: 2, count: 3, views: 6 } });
    expect(some.dataSync()).toBeAllClose(all.slice(2 * size ** 2, 5 * size ** 2), { relative: 1e-5, absolute: 1e-6 });
  });

  test('leaves no tensor but the views behind', () => {
    const slices = ramps(2);
    const before = engine().tf.memory().numTensors;
    sliceViews(engine(), slices, createRandom(1)).dispose();
    expect(engine().tf.memory().numTensors).toBe(before);
  });

  test('resizedCrops() shows parts of the slice, about half of them mirrored', () => {
    const crops = resizedCrops(engine(), engine().tf.tile(ramps(1), [60, 1, 1]), {
      random: createRandom('crops'),
      share: { first: 0, count: 60, views: 60 },
    }).dataSync();
    let mirrored = 0;
    for (let crop = 0; crop < 60; crop += 1) {
      const pixel = (row: number, column: number) => crops[(crop * size + row) * size + column]!;
      const [width, height] = [pixel(0, size - 1) - pixel(0, 0), pixel(size - 1, 0) - pixel(0, 0)];
      if (width < 0) mirrored += 1;
      // On a ramp the differences between corners say which share of the slice the crop covers.
      const area = (Math.abs(width) * height) / (0.5 * ((size - 1) / size)) ** 2;
      expect(area).toBeGreaterThan(0.59);
      expect(area).toBeLessThanOrEqual(1.001);
    }
    expect(mirrored).toBeGreaterThan(15);
    expect(mirrored).toBeLessThan(45);
  });

  test('jitterWindow() is one straight line for each slice, near the identity', () => {
    const slices = engine().tf.tensor3d(Array.from({ length: 40 }, () => [0, 0.25, 0.5, 1]).flat(), [40, 2, 2]);
    const values = jitterWindow(engine(), slices, {
      random: createRandom('window'),
      share: { first: 0, count: 40, views: 40 },
    }).dataSync();
    let same = 0;
    for (let slice = 0; slice < 40; slice += 1) {
      const [low, quarter, middle, high] = values.slice(4 * slice, 4 * slice + 4) as unknown as [
        number,
        number,
        number,
        number,
      ];
      const gain = high - low;
      expect([quarter, middle]).toBeAllClose([low + gain / 4, low + gain / 2], { relative: 1e-5, absolute: 1e-6 });
      expect(gain).toBeGreaterThanOrEqual(1 / 1.2 - 1e-6);
      expect(gain).toBeLessThanOrEqual(1.2 + 1e-6);
      expect(Math.abs(middle - 0.5)).toBeLessThanOrEqual(0.05 * gain + 1e-6);
      if (gain === 1 && low === 0) same += 1;
    }
    expect(same).toBeGreaterThan(1);
    expect(same).toBeLessThan(20);
  });
});
