import type { Tensor4D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { mirror, scaleBrightness, scaleContrast, solarise } from './colour-jitter.ts';

const tolerance = { relative: 0, absolute: 1e-6 };

describeOnEachEngine('scaleBrightness(), scaleContrast(), solarise(), mirror()', (engine) => {
  const grey = (): Tensor4D => engine().tf.tensor4d([0.2, 0.4, 0.6, 0.8, 0.1, 0.1, 0.1, 0.5], [2, 1, 2, 2]);

  test('each image has its own brightness, clipped to 1', () => {
    const bright = scaleBrightness(engine(), grey(), [2, 0.5]).dataSync();
    expect(bright).toBeAllClose([0.4, 0.8, 1, 1, 0.05, 0.05, 0.05, 0.25], tolerance);
  });

  test('contrast 0 leaves the mean of the grey image, 1 changes nothing', () => {
    const flat = scaleContrast(engine(), grey(), [0, 1]).dataSync();
    expect(flat).toBeAllClose([0.5, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.5], tolerance);
    const red: Tensor4D = engine().tf.tensor4d([1, 1, 0, 0, 0, 0], [1, 3, 1, 2]);
    expect(scaleContrast(engine(), red, [0]).dataSync()).toBeAllClose(new Array(6).fill(0.2989), tolerance);
  });

  test('solarises bright pixels of the chosen images only', () => {
    const half = solarise(engine(), grey(), { chosen: [true, false] }).dataSync();
    expect(half).toBeAllClose([0.2, 0.4, 0.4, 0.2, 0.1, 0.1, 0.1, 0.5], tolerance);
  });

  test('mirrors left to right', () => {
    expect([...mirror(engine(), grey()).dataSync()].map((x) => Math.round(10 * x))).toEqual([4, 2, 8, 6, 1, 1, 5, 1]);
  });
});
