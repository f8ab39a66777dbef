import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { type SliceRange, sliceBatches } from './slice-batches.ts';

function patientsWith(...counts: number[]): SliceRange[] {
  let first = 0;
  return counts.map((count) => {
    first += count;
    return { first: first - count, count };
  });
}

function ownerOf(patients: readonly SliceRange[], slice: number): number {
  return patients.findIndex(({ first, count }) => slice >= first && slice < first + count);
}

describe('sliceBatches()', () => {
  test('passes over every slice exactly once, in batches of nearly equal size', () => {
    const patients = patientsWith(10, 3, 7, 12, 1, 9);
    const batches = sliceBatches(patients, { batch: 8, random: createRandom(1) });
    expect(batches.flatMap((batch) => [...batch]).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 42 }, (_, i) => i),
    );
    expect(batches).toHaveLength(6);
    for (const batch of batches) expect(batch.length).toBe(7);
  });

  test('keeps slices of one patient apart as far as the numbers allow', () => {
    const patients = patientsWith(6, 6, 6, 6, 6, 6, 6, 6);
    const batches = sliceBatches(patients, { batch: 8, random: createRandom(2) });
    expect(batches).toHaveLength(6);
    for (const batch of batches) expect(new Set([...batch].map((slice) => ownerOf(patients, slice))).size).toBe(8);

    const uneven = patientsWith(20, 4, 2);
    for (const batch of sliceBatches(uneven, { batch: 7, random: createRandom(3) })) {
      const ofFirst = [...batch].filter((slice) => ownerOf(uneven, slice) === 0).length;
      expect(ofFirst).toBeLessThanOrEqual(Math.ceil(20 / 4));
    }
  });

  test('never leaves one slice without a negative', () => {
    for (let slices = 2; slices < 40; slices++) {
      const batches = sliceBatches(patientsWith(1, slices - 1), { batch: 2, random: createRandom(slices) });
      for (const batch of batches) expect(batch.length).toBeGreaterThanOrEqual(2);
      expect(batches.flatMap((batch) => [...batch])).toHaveLength(slices);
    }
    expect(sliceBatches(patientsWith(1), { batch: 4, random: createRandom(0) })).toEqual([]);
  });

  test('gives the same batches for the same seed and others for another', () => {
    const patients = patientsWith(9, 8, 7);
    const draw = (seed: number) => sliceBatches(patients, { batch: 6, random: createRandom(seed) });
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
  });
});
