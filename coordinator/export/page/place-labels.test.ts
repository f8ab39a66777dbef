import { describe, expect, test } from 'vitest';
import { placeLabels } from './place-labels.ts';

describe('placeLabels()', () => {
  test('leaves labels alone that do not touch', () => {
    expect(placeLabels([80, 20, 50], { spacing: 14, low: 0, high: 100 })).toEqual([80, 20, 50]);
  });

  test('keeps the order and the spacing of labels that would overlap', () => {
    expect(placeLabels([50, 52, 51], { spacing: 10, low: 0, high: 100 })).toEqual([50, 70, 60]);
  });

  test('pushes back from the far edge', () => {
    expect(placeLabels([98, 99], { spacing: 10, low: 0, high: 100 })).toEqual([90, 100]);
  });
});
