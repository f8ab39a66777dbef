import type { Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { bicubicAntialiased, bilinear } from '../../imaging/interpolation.ts';
import { resampleAxes } from '../../imaging/resample-axis.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { resampleImages } from './resample-images.ts';

describeOnEachEngine('resampleImages()', (engine) => {
  test('computes what the host computes, and leaves one tensor', () => {
    const images = normalTensor<Tensor3D>(engine(), 'images', [2, 7, 5]);
    const rows = bicubicAntialiased(7, 4);
    const columns = bilinear(5, 9);
    const before = engine().tf.memory().numTensors;
    const resampled = resampleImages(engine(), images, { rows, columns });
    expect(engine().tf.memory().numTensors).toBe(before + 1);
    const expected = resampleAxes(
      images.dataSync<'float32'>(),
      [2, 7, 5],
      [
        { axis: 1, ...rows },
        { axis: 2, ...columns },
      ],
    );
    expect(resampled.shape).toEqual([2, 4, 9]);
    expect(resampled.dataSync()).toBeAllClose(expected, { relative: 1e-6, absolute: 1e-6 });
  });
});
