import type { Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { blurSome, gaussianBlur } from './gaussian-blur.ts';

describeOnEachEngine('gaussianBlur()', (engine) => {
  test('spreads a point by the Gaussian, and mirrors the slice at its edge', () => {
    const pixels = new Float32Array(25);
    pixels[3] = 1;
    const [middle, side] = [1, Math.exp(-0.5)].map((tap) => tap / (1 + 2 * Math.exp(-0.5))) as [number, number];
    const blurred = gaussianBlur(engine(), engine().tf.tensor3d(pixels, [1, 5, 5]), {
      deviationPixels: 1,
      radiusPixels: 1,
    }).dataSync();
    // The last pixel of the row sees the point on both sides, as the edge is a mirror.
    const row = [0, 0, side, middle, 2 * side];
    const expected = [...row.map((tap) => tap * middle), ...row.map((tap) => tap * side), ...new Array(15).fill(0)];
    expect(blurred).toBeAllClose(expected, { relative: 1e-6, absolute: 0 });
  });

  test('blurSome() leaves about half of the slices as they are', () => {
    const slices = normalTensor<Tensor3D>(engine(), 'slices', [40, 8, 8]);
    const before = slices.dataSync();
    const after = blurSome(engine(), slices, {
      random: createRandom('blur'),
      share: { first: 0, count: slices.shape[0], views: slices.shape[0] },
    }).dataSync();
    const same = Array.from({ length: 40 }, (_, slice) => slice).filter((slice) =>
      before.slice(slice * 64, slice * 64 + 64).every((value, pixel) => value === after[slice * 64 + pixel]),
    ).length;
    expect(same).toBeGreaterThan(10);
    expect(same).toBeLessThan(30);
  });
});
