import { describe, expect, test } from 'vitest';
import { patchMask, visibility } from './patch-mask.ts';

describe('patchMask()', () => {
  test('keeps the patches with the lowest noise, lowest first', () => {
    const noise = [0.9, 0.1, 0.5, 0.3, 0.2, 0.8, 0.2, 0.7];
    const mask = patchMask(noise, { images: 2, visiblePerImage: 2 });
    expect([...mask.visible]).toEqual([1, 3, 0, 2]);
    expect([...visibility(mask)]).toEqual([0, 1, 0, 1, 1, 0, 1, 0]);
    expect(mask.patchesPerImage).toBe(4);
  });

  test.each([0, 4, 1.5])('refuses %d visible patches of four', (visiblePerImage) => {
    expect(() => patchMask(new Float32Array(8), { images: 2, visiblePerImage })).toThrow(RangeError);
  });

  test('refuses noise that is not whole images', () => {
    expect(() => patchMask(new Float32Array(7), { images: 2, visiblePerImage: 1 })).toThrow(TypeError);
  });
});
