import { describe, expect, test } from 'vitest';
import {
  bicubic,
  bicubicAntialiased,
  bilinear,
  bilinearAntialiased,
  type Interpolation,
  linearCornerAligned,
  linearPhysical,
  nearest,
  resampledSize,
} from './interpolation.ts';
import { quadraticSplineCornerAligned } from './quadratic-spline.ts';
import { resampleAxes, resampleAxis } from './resample-axis.ts';

const physical = (from: number, to: number) => linearPhysical(from, to, { spacing: to, newSpacing: from });
const all: [string, (from: number, to: number) => Interpolation][] = [
  ['bilinear', bilinear],
  ['bilinearAntialiased', bilinearAntialiased],
  ['bicubic', bicubic],
  ['bicubicAntialiased', bicubicAntialiased],
  ['linearCornerAligned', linearCornerAligned],
  ['linearPhysical', physical],
  ['nearest', nearest],
  ['quadraticSplineCornerAligned', quadraticSplineCornerAligned],
];
const apply = (values: number[], interpolation: Interpolation) => [
  ...resampleAxis(Float32Array.from(values), [values.length], { axis: 0, interpolation }).values,
];

describe.each(all)('%s()', (_, interpolate) => {
  test.each([
    [5, 5],
    [7, 3],
    [3, 8],
    [1, 4],
    [4, 1],
  ])('keeps a constant and reads only samples that exist, %i to %i', (from, to) => {
    const interpolation = interpolate(from, to);
    expect(interpolation.taps).toHaveLength(to);
    for (const { first, weights } of interpolation.taps) {
      expect(first).toBeGreaterThanOrEqual(0);
      expect(first + weights.length).toBeLessThanOrEqual(from);
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
    }
  });

  test('changes nothing at the same size', () => {
    apply([3, 1, 4, 1, 5], interpolate(5, 5)).forEach((value, index) => {
      expect(value).toBeCloseTo([3, 1, 4, 1, 5][index]!, 5);
    });
  });
});

describe('the conventions differ', () => {
  test('in where new samples lie', () => {
    const ramp = [0, 1, 2, 3];
    expect(apply(ramp, bilinear(4, 2))).toEqual([0.5, 2.5]);
    expect(apply(ramp, linearCornerAligned(4, 2))).toEqual([0, 3]);
    expect(apply(ramp, linearPhysical(4, 2, { spacing: 1, newSpacing: 1.5 }))).toEqual([0, 1.5]);
    expect(apply(ramp, nearest(4, 2))).toEqual([0, 2]);
  });

  test('in whether shrinking smooths', () => {
    const stripes = [0, 1, 0, 1, 0, 1, 0, 1, 0];
    expect(apply(stripes, bilinear(9, 3))).toEqual([1, 0, 1]);
    for (const value of apply(stripes, bilinearAntialiased(9, 3))) expect(Math.abs(value - 0.5)).toBeLessThan(0.15);
  });
});

describe('quadraticSplineCornerAligned()', () => {
  test('reproduces a parabola away from the mirrored edges', () => {
    const values = Array.from({ length: 41 }, (_, x) => (x - 20) ** 2);
    const resampled = apply(values, quadraticSplineCornerAligned(41, 81));
    for (let index = 30; index <= 50; index += 1) expect(resampled[index]).toBeCloseTo((index / 2 - 20) ** 2, 4);
  });
});

describe('resampledSize()', () => {
  test('rounds halves to even', () => {
    expect(resampledSize(5, { spacing: 2.5, newSpacing: 1 })).toBe(12);
    expect(resampledSize(3, { spacing: 0.5, newSpacing: 1 })).toBe(2);
    expect(resampledSize(9, { spacing: 0.7, newSpacing: 0.8 })).toBe(8);
  });
});

describe('resampleAxes()', () => {
  test('resamples each axis on its own', () => {
    const resampled = resampleAxes(
      Float32Array.of(0, 1, 2, 10, 11, 12),
      [2, 3],
      [
        { axis: 0, ...linearCornerAligned(2, 3) },
        { axis: 1, ...linearCornerAligned(3, 2) },
      ],
    );
    expect([...resampled]).toEqual([0, 2, 5, 7, 10, 12]);
  });

  test('refuses an axis of another length', () => {
    const interpolation = bilinear(4, 2);
    expect(() => resampleAxis(new Float32Array(6), [2, 3], { axis: 1, interpolation })).toThrow(/must have 4 samples/);
  });
});
