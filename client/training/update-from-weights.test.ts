import { sessionParameters } from '@wardround/protocols/secure-aggregation/parameters.ts';
import {
  beginPlay,
  createConsortium,
  knownRandomBytes,
  playAll,
} from '@wardround/protocols/secure-aggregation/simulated-session.ts';
import { centralNoise } from '@wardround/protocols/transfer/central-noise.ts';
import { decodeSum, updateVectorLength } from '@wardround/protocols/transfer/update-code.ts';
import { codeWordsFromBytes } from '@wardround/shared/bytes/code-words.ts';
import { int32FromBytes } from '@wardround/shared/bytes/little-endian.ts';
import { createLayout } from '@wardround/shared/tensors/layout.ts';
import { describe, expect, test } from 'vitest';
import { updateFromWeights } from './update-from-weights.ts';

const layout = createLayout([
  { name: 'pool', shape: [2], initialiser: { kind: 'zeros' }, group: 'image' },
  { name: 'table', shape: [2], initialiser: { kind: 'zeros' }, group: 'clinical' },
]);
const randomBytes = () => {
  throw new Error('Nothing random is in an update without central privacy');
};
const code = { layout, clip: 0.5, maximumSampleCount: 100, sites: 1, randomBytes };

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

  test('declines an update that was trained on nothing at all', () => {
    const weights = { before: new Float32Array(4), after: new Float32Array(4), sampleCounts: {} };
    expect(() => updateFromWeights(weights, code)).toThrow(expect.objectContaining({ reason: 'update-empty' }));
  });
});

describe('updateFromWeights() under central privacy', () => {
  const [WORDS, SITES] = [6000, 8];
  const large = createLayout([
    { name: 'pool', shape: [WORDS - 2000], initialiser: { kind: 'zeros' }, group: 'image' },
    { name: 'table', shape: [2000], initialiser: { kind: 'zeros' }, group: 'clinical' },
  ]);
  const central = { norm: 1, noiseMultiplier: 1, quorum: SITES };
  const normLimit = { norm: 1, zeroAboveMultiple: 100 };
  const terms = { layout: large, clip: 0.05, maximumSampleCount: 100, sites: SITES, central, normLimit };
  const before = new Float32Array(WORDS);
  const after = Float32Array.from({ length: WORDS }, (_, i) => (i % 2 === 0 ? 0.01 : -0.01));

  test.each([
    16, 32,
  ] as const)('adds noise of which every session of the quorum keeps enough, in %i bits', (codeBits) => {
    const ownTerms = { ...terms, codeBits };
    const { deviationBits, scale, largestNorm } = centralNoise(central, ownTerms);
    const length = updateVectorLength(large, codeBits);
    const consortium = createConsortium(SITES, { words: length, seed: `noise ${codeBits}` });
    const names = [...consortium.contexts.keys()];
    const vectors = new Map(
      names.map((site) => {
        const update = { before, after, sampleCounts: { image: 3 } };
        const { vector } = updateFromWeights(update, { ...ownTerms, randomBytes: knownRandomBytes(`${site} noise`) });
        return [site, codeWordsFromBytes(vector, codeBits)];
      }),
    );
    const { threshold, colluders } = sessionParameters(SITES);
    const gone = new Set(names.slice(0, SITES - threshold));
    const played = playAll(beginPlay(consortium, { vectors }), { 'masked-input': gone });
    if (!played.ok) throw new Error(played.reason);
    const sum = played.play.sum!;
    const codes = Array.from(sum.subarray(length - WORDS));
    // The update itself is known here: what remains is the noise of the sites that are left.
    const shortened = Math.min(1, 1 / Math.hypot(...after));
    const noise = codes.map((code, i) => code - threshold * Math.round(after[i]! * shortened * scale));
    const variance = noise.reduce((all, value) => all + value * value, 0) / WORDS;
    const expected = threshold * 4 ** deviationBits;
    // Five standard errors of a variance.
    expect(Math.abs(variance / expected - 1)).toBeLessThan(5 * Math.sqrt(2 / WORDS));
    const counted = (variance * (threshold - colluders)) / threshold;
    expect(Math.sqrt(counted)).toBeGreaterThan(0.93 * 2 * largestNorm);
    // All sites weigh the same, also in a group that this one has not trained.
    const { sampleCounts } = decodeSum(sum, ownTerms);
    expect(sampleCounts).toEqual([100 * threshold, 100 * threshold]);
  });

  test('is another one each time, of the same update', () => {
    const update = () => updateFromWeights({ before, after, sampleCounts: {} }, terms).vector;
    expect(Buffer.compare(update(), update())).not.toBe(0);
  });

  test('keeps what rounding left out, and not the noise', () => {
    const ownTerms = { ...terms, codeBits: 16 as const };
    const residual = new Float32Array(WORDS);
    updateFromWeights({ before, after, sampleCounts: {} }, { ...ownTerms, residual });
    const { scale } = centralNoise(central, ownTerms);
    for (const left of residual) expect(Math.abs(left)).toBeLessThanOrEqual(1 / scale);
    expect(residual.some((left) => left !== 0)).toBe(true);
  });
});
