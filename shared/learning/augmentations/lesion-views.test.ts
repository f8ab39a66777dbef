import type { Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { lesionViews } from './lesion-views.ts';

describeOnEachEngine('lesionViews()', (engine) => {
  const size = 32;
  /** A bright dot on black. */
  const dotted = (row: number, column: number): Tensor3D => {
    const pixels = new Float32Array(size * size);
    pixels[row * size + column] = 1;
    return engine().tf.tensor3d(pixels, [1, size, size]);
  };

  test('shows the whole slice, and the lesion in the middle of its crop', () => {
    const lesion = { left: 3, top: 25, right: 4, bottom: 26 };
    const slices = dotted(25, 3);
    for (const seed of [1, 2, 3]) {
      const {
        whole,
        lesion: crop,
        flags,
      } = lesionViews(engine(), slices, {
        lesions: [[lesion]],
        sizePixels: size,
        random: createRandom(seed),
      });
      expect(flags).toEqual([true]);
      expect(whole.dataSync()).toBeAllClose(slices.dataSync(), { relative: 0, absolute: 1e-5 });
      const pixels = crop.dataSync();
      const brightest = pixels.indexOf(Math.max(...pixels));
      const [row, column] = [Math.floor(brightest / size), brightest % size];
      expect(Math.hypot(row - size / 2, column - size / 2)).toBeLessThan(4);
    }
  });

  test('crops a slice without a lesion twice, differently, and the same for the same seed', () => {
    const slices = normalTensor<Tensor3D>(engine(), 'slices', [2, size, size]);
    const views = () =>
      lesionViews(engine(), slices, { lesions: [[], []], sizePixels: 16, random: createRandom('none') });
    const [first, second] = [views(), views()];
    expect(first.flags).toEqual([false, false]);
    expect(first.whole.dataSync()).toEqual(second.whole.dataSync());
    expect(first.whole.dataSync()).not.toEqual(first.lesion.dataSync());
    expect(first.whole.shape).toEqual([2, 16, 16]);
  });

  test('refuses lists that do not match the slices', () => {
    const options = { lesions: [[]], sizePixels: 8, random: createRandom(1) };
    expect(() => lesionViews(engine(), engine().tf.zeros([2, 8, 8]), options)).toThrow(/2 lists/);
  });
});
