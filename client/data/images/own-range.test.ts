import { describe, expect, test } from 'vitest';
import { createHistogram } from './own-range.ts';
import { surveyedImage } from './test-support/surveyed-image.ts';

const { format } = surveyedImage().header;

describe('createHistogram()', () => {
  test('leaves out half a percent at either end', () => {
    const counts = new Uint32Array(65_536);
    counts.fill(10, 1000, 2000);
    counts[0] = 20;
    counts[60_000] = 20;
    const histogram = createHistogram();
    histogram.add(counts, { ...format, signed: false });
    // 10,040 pixels: 50.2 are left out below (20 at 0, then 3 values of 10 and part of a fourth) and as many above.
    expect(histogram.range()).toEqual({ low: 1003, high: 1996 });
  });

  test('joins signed and unsigned images on one scale', () => {
    const negative = new Uint32Array(65_536);
    negative[32_768 - 1000] = 100;
    const positive = new Uint32Array(65_536);
    positive[3000] = 100;
    const histogram = createHistogram();
    histogram.add(negative, { ...format, signed: true });
    histogram.add(positive, { ...format, signed: false });
    expect(histogram.range()).toEqual({ low: -1000, high: 3000 });
  });

  test('has a width even when all pixels are alike or there are none', () => {
    const counts = new Uint32Array(65_536);
    counts[700] = 5;
    const histogram = createHistogram();
    histogram.add(counts, { ...format, signed: false });
    expect(histogram.range()).toEqual({ low: 700, high: 701 });
    const { low, high } = createHistogram().range();
    expect(high).toBeGreaterThan(low);
  });
});
