import { decodeSum, updateVectorLength } from '@wardround/protocols/transfer/update-code.ts';
import { int32FromBytes } from '@wardround/shared/bytes/little-endian.ts';
import { createLayout } from '@wardround/shared/tensors/layout.ts';
import { describe, expect, test } from 'vitest';
import { updateFromWeights } from './update-from-weights.ts';

const layout = createLayout([
  { name: 'pool', shape: [2], initialiser: { kind: 'zeros' }, group: 'image' },
  { name: 'table', shape: [2], initialiser: { kind: 'zeros' }, group: 'clinical' },
]);
const code = { layout, clip: 0.5, maximumSampleCount: 100, sites: 1 };

describe('updateFromWeights()', () => {
  test('encodes after minus before, clipped, weighted by each group’s own samples', () => {
    const { vector, clippedCoordinates, cappedGroups } = updateFromWeights(
      {
        before: Float32Array.of(1, 2, 3, 4),
        after: Float32Array.of(1.25, 1, 3.125, 4),
        sampleCounts: { image: 40, clinical: 10 },
      },
      code,
    );
    expect(clippedCoordinates).toBe(1);
    expect(cappedGroups).toEqual([]);
    const { meanDelta, sampleCounts } = decodeSum(int32FromBytes(vector), code);
    expect(sampleCounts).toEqual([40, 10]);
    for (const [index, expected] of [0.25, -0.5, 0.125, 0].entries()) expect(meanDelta[index]).toBeCloseTo(expected, 7);
  });

  test('sends nothing of a group that was not trained', () => {
    const { vector } = updateFromWeights(
      { before: new Float32Array(4), after: Float32Array.of(0.1, 0.1, 0.1, 0.1), sampleCounts: { image: 3 } },
      code,
    );
    expect([...int32FromBytes(vector).subarray(4, 6)]).toEqual([0, 0]);
    expect(vector.length).toBe(4 * updateVectorLength(layout));
  });

  test('lowers a sample count above the plan’s maximum to it and says so', () => {
    const { vector, cappedGroups } = updateFromWeights(
      { before: new Float32Array(4), after: new Float32Array(4), sampleCounts: { image: 101, clinical: 100 } },
      code,
    );
    expect(cappedGroups).toEqual(['image']);
    expect([...int32FromBytes(vector).subarray(0, 2)]).toEqual([100, 100]);
  });

  test('limits the norm of the whole update where the plan says so, and tells what it did', () => {
    const limited = (change: number, normLimit?: { norm: number; zeroAboveMultiple: number }) => {
      const after = new Float32Array(4).fill(change);
      const weights = { before: new Float32Array(4), after, sampleCounts: { image: 100, clinical: 100 } };
      const update = updateFromWeights(weights, { ...code, normLimit });
      return { action: update.normLimit, mean: decodeSum(int32FromBytes(update.vector), code).meanDelta[3]! };
    };
    const normLimit = { norm: 0.2, zeroAboveMultiple: 3 };
    expect(limited(0.25)).toMatchObject({ action: null, mean: expect.closeTo(0.25, 6) });
    expect(limited(0.0625, normLimit)).toMatchObject({ action: 'kept', mean: expect.closeTo(0.0625, 6) });
    expect(limited(0.25, normLimit)).toMatchObject({ action: 'scaled', mean: expect.closeTo(0.1, 6) });
    expect(limited(0.4, normLimit)).toEqual({ action: 'zeroed', mean: 0 });
    const { vector } = updateFromWeights(
      { before: new Float32Array(4), after: new Float32Array(4).fill(9), sampleCounts: { image: 7, clinical: 8 } },
      { ...code, normLimit },
    );
    // It still counts with its samples, as zeros do.
    expect([...int32FromBytes(vector)]).toEqual([7, 8, 0, 0, 0, 0]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('declines %s as update-not-finite', (value) => {
    const weights = { before: new Float32Array(4), after: Float32Array.of(0, value, 0, 0), sampleCounts: { image: 1 } };
    expect(() => updateFromWeights(weights, { ...code, normLimit: { norm: 1, zeroAboveMultiple: 2 } })).toThrow(
      expect.objectContaining({ reason: 'update-not-finite' }),
    );
    expect(() => updateFromWeights(weights, code)).toThrow(expect.objectContaining({ reason: 'update-not-finite' }));
  });
});
