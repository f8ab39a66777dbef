import { describe, expect, test } from 'vitest';
import type { Patient } from '../data/cohort.ts';
import { standardiseSlices } from './standardise-slices.ts';

const patient = (first: number, count: number, heldOut: boolean): Patient => ({
  slices: { first, count },
  clinical: null,
  expression: null,
  labels: {},
  heldOut,
});

describe('standardiseSlices()', () => {
  test('brings the training slices to mean 0 and deviation 1, coordinate by coordinate', () => {
    const embeddings = Float32Array.of(1, 100, 3, 300, 5, 500, 7, 700);
    standardiseSlices({ patients: [patient(0, 2, false), patient(2, 2, false)] }, { embeddings, width: 2 });
    const expected = [-3, -1, 1, 3].map((step) => step / Math.sqrt(5));
    for (const [slice, value] of expected.entries()) {
      expect(embeddings[2 * slice]).toBeCloseTo(value, 5);
      expect(embeddings[2 * slice + 1]).toBeCloseTo(value, 5);
    }
  });

  test('takes the statistics from training patients only and applies them to all', () => {
    const embeddings = Float32Array.of(0, 2, 101);
    standardiseSlices({ patients: [patient(0, 2, false), patient(2, 1, true)] }, { embeddings, width: 1 });
    expect([...embeddings]).toEqual([-1, 1, 100]);
  });

  test('only centres a coordinate that says nothing, and leaves all alone without training slices', () => {
    const constant = Float32Array.of(4, 4);
    standardiseSlices({ patients: [patient(0, 2, false)] }, { embeddings: constant, width: 1 });
    expect([...constant]).toEqual([0, 0]);

    const untouched = Float32Array.of(4, 5);
    standardiseSlices({ patients: [patient(0, 2, true)] }, { embeddings: untouched, width: 1 });
    expect([...untouched]).toEqual([4, 5]);
  });
});
