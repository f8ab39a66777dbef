import type { AlignmentBatch } from '@wardround/shared/learning/stages/alignment.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { dropInputs } from './drop-inputs.ts';

const batchOf = (size: number): AlignmentBatch => ({
  patients: 1,
  slicesPerPatient: 1,
  slices: new Float32Array(size).fill(2),
  sliceMask: Float32Array.of(1),
  clinical: null,
  clinicalPresent: [false],
  expression: new Float32Array(size).fill(-1),
  expressionPresent: [true],
});

describe('dropInputs()', () => {
  test('drops about the share and keeps the mean', () => {
    const batch = batchOf(20_000);
    dropInputs(batch, { share: 0.25, random: createRandom(1) });
    const dropped = batch.slices.filter((value) => value === 0).length / 20_000;
    // Four standard errors of a share of 0.25 over 20,000 draws.
    expect(Math.abs(dropped - 0.25)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / 20_000));
    expect(new Set(batch.slices)).toEqual(new Set([0, Math.fround(2 / 0.75)]));
    expect(new Set(batch.expression)).toEqual(new Set([0, Math.fround(-1 / 0.75)]));
    expect([...batch.sliceMask]).toEqual([1]);
  });

  test('drops the same values for the same seed and nothing for a share of 0', () => {
    const [one, two, none] = [batchOf(100), batchOf(100), batchOf(100)];
    dropInputs(one, { share: 0.5, random: createRandom(7) });
    dropInputs(two, { share: 0.5, random: createRandom(7) });
    dropInputs(none, { share: 0, random: createRandom(7) });
    expect(one).toEqual(two);
    expect(none).toEqual(batchOf(100));
  });
});
