import { describe, expect, test } from 'vitest';
import { readSlices } from './slice-images.ts';

const images = { sizePixels: 2, count: 3, levels: Uint8Array.from([0, 51, 102, 255, 1, 2, 3, 4, 255, 255, 0, 0]) };

describe('readSlices()', () => {
  test('gives the chosen slices in 0..1, in the order asked for', () => {
    expect(readSlices(images, [2, 0])).toEqual(Float32Array.from([1, 1, 0, 0, 0, 0.2, 0.4, 1]));
    expect(readSlices(images, [])).toHaveLength(0);
  });

  test.each([3, -1, 0.5, Number.NaN])('refuses %s', (index) => {
    expect(() => readSlices(images, [index])).toThrow(RangeError);
  });
});
