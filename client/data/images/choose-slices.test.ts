import { describe, expect, test } from 'vitest';
import { chooseSlices, evenlySpaced } from './choose-slices.ts';
import type { ImageSeries } from './image-series.ts';
import { sliceLabel, surveyedImage } from './test-support/surveyed-image.ts';

function series(name: string, length: number, hounsfield = true): ImageSeries {
  const slices = Array.from({ length }, (_, index) => ({
    image: surveyedImage({ path: `${name}${index}` }),
    frame: 0,
  }));
  return { slices, hounsfield, order: 'position', assumedAxial: false };
}

const labels = (chosen: ReturnType<typeof chooseSlices>) => chosen.map(({ slices }) => slices.map(sliceLabel));

describe('evenlySpaced()', () => {
  test('takes the middle of equal parts', () => {
    expect(evenlySpaced(10, 2)).toEqual([2, 7]);
    expect(evenlySpaced(100, 4)).toEqual([12, 37, 62, 87]);
    expect(evenlySpaced(5, 4)).toEqual([0, 1, 3, 4]);
  });

  test('takes all when there are no more', () => {
    expect(evenlySpaced(3, 3)).toEqual([0, 1, 2]);
    expect(evenlySpaced(3, 64)).toEqual([0, 1, 2]);
    expect(evenlySpaced(0, 4)).toEqual([]);
  });
});

describe('chooseSlices()', () => {
  test('takes the largest series alone', () => {
    const chosen = chooseSlices([series('a', 9), series('b', 20), series('c', 12)], { maximumSlices: 3 });
    expect(labels(chosen)).toEqual([['b3#0', 'b10#0', 'b16#0']]);
  });

  test('prefers Hounsfield units between series of one size', () => {
    const chosen = chooseSlices([series('a', 9, false), series('b', 9)], { maximumSlices: 1 });
    expect(labels(chosen)).toEqual([['b4#0']]);
  });

  test('adds series until there are eight slices', () => {
    const chosen = chooseSlices([series('a', 1), series('b', 3), series('c', 5), series('d', 2)], {
      maximumSlices: 64,
    });
    expect(chosen.map(({ slices }) => slices.length)).toEqual([5, 3]);
  });

  test('thins out what was taken as a whole', () => {
    const chosen = chooseSlices([series('a', 4), series('b', 4)], { maximumSlices: 4 });
    expect(labels(chosen)).toEqual([
      ['a1#0', 'a3#0'],
      ['b1#0', 'b3#0'],
    ]);
  });

  test('chooses nothing from nothing', () => {
    expect(chooseSlices([], { maximumSlices: 4 })).toEqual([]);
  });
});
