import { codeWordsFromBytes } from '@wardround/shared/bytes/code-words.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { createLayout } from '@wardround/shared/tensors/layout.ts';
import { describe, expect, test } from 'vitest';
import { sessionParameters } from '../secure-aggregation/parameters.ts';
import { centralNoise, guaranteedHonestSites } from './central-noise.ts';
import { encodeUpdate, updateVectorLength } from './update-code.ts';

describe('guaranteedHonestSites()', () => {
  test('is the fewest survivors less the colluders, and no larger session guarantees fewer', () => {
    expect([3, 4, 8, 20, 64].map(guaranteedHonestSites)).toEqual([2, 2, 4, 8, 22]);
    for (let quorum = 3; quorum <= 200; quorum += 1) {
      const guaranteed = guaranteedHonestSites(quorum);
      for (const sites of [quorum, quorum + 1, quorum + 2, quorum + 40]) {
        const { fewestSurvivors, colluders } = sessionParameters(sites);
        expect(guaranteed).toBeLessThanOrEqual(fewestSurvivors - colluders);
      }
    }
  });
});

describe('centralNoise()', () => {
  const cases = [3, 8, 20, 100, 1000].flatMap((sites) =>
    ([16, 32] as const).flatMap((codeBits) =>
      [0.5, 4].map((noiseMultiplier) => ({ sites, codeBits, noiseMultiplier, quorum: Math.ceil(0.7 * sites) })),
    ),
  );

  test.each(cases)('fits the words and covers the sensitivity: %j', ({ sites, codeBits, noiseMultiplier, quorum }) => {
    const clip = 0.01;
    const terms = { norm: 1, noiseMultiplier, quorum: Math.max(3, quorum) };
    const { scale, deviationBits, largestNorm, honestSites } = centralNoise(terms, { clip, sites, codeBits });
    expect(sites * clip * scale + 6 * Math.sqrt(sites) * 2 ** deviationBits).toBeLessThanOrEqual(2 ** (codeBits - 3));
    expect(Math.sqrt(honestSites) * 2 ** deviationBits).toBeGreaterThanOrEqual(noiseMultiplier * 2 * largestNorm);
    // Not much is given away: the next power of two would not fit, up to the largest there is.
    expect(deviationBits === 20 || largestNorm > 0.4 * scale).toBe(true);
    expect(largestNorm).toBeLessThanOrEqual(scale);
  });

  test('refuses what fits no words', () => {
    const terms = { norm: 1e-3, noiseMultiplier: 0.5, quorum: 3 };
    expect(() => centralNoise(terms, { clip: 100, sites: 1000, codeBits: 16 })).toThrow(
      'nothing fits words of 16 bits. Lower the plan',
    );
  });
});

describe('encodeUpdate() under central privacy', () => {
  const layout = createLayout([
    { name: 'a', shape: [5000], initialiser: { kind: 'zeros' }, group: 'image' },
    { name: 'b', shape: [3000], initialiser: { kind: 'zeros' }, group: 'clinical' },
  ]);
  const central = { norm: 1, noiseMultiplier: 2, quorum: 6 };
  const random = createRandom('central');
  const delta = Float32Array.from({ length: layout.size }, () => random.normal() / Math.sqrt(layout.size));

  test.each([16, 32] as const)('bounds the norm of the whole-numbered codes, in %i bits', (codeBits) => {
    const code = { layout, clip: 0.1, maximumSampleCount: 1000, sites: 8, codeBits, central };
    const { largestNorm } = centralNoise(central, code);
    for (const size of [0.5, 1, 40]) {
      for (const residual of [undefined, new Float32Array(layout.size).fill(0.02)]) {
        const scaled = delta.map((value) => size * value);
        const { vector } = encodeUpdate(scaled, { ...code, sampleCounts: [1000, 1000], residual });
        const words = codeWordsFromBytes(vector, codeBits);
        const codes = words.subarray(updateVectorLength(layout, codeBits) - layout.size);
        const norm = Math.sqrt(Array.from(codes).reduce((sum, value) => sum + value * value, 0));
        expect(norm).toBeLessThanOrEqual(largestNorm);
        if (codeBits === 32 && size >= 1) expect(norm).toBeGreaterThan(0.98 * largestNorm);
      }
    }
  });

  test('sends as many of the largest numbers as there is room for, where most are far below a step', () => {
    const strong = { ...central, noiseMultiplier: 8 };
    const code = { layout, clip: 0.1, maximumSampleCount: 1000, sites: 8, codeBits: 16 as const, central: strong };
    const { largestNorm: bound, scale } = centralNoise(strong, code);
    // Each is worth a code of one, and they are more than the norm has room for.
    const residual = Float32Array.from({ length: layout.size }, (_, i) => (0.5 + (i % 1000) / 2000) / scale);
    const before = Float32Array.from(residual);
    expect(Math.sqrt(layout.size)).toBeGreaterThan(2 * bound);
    const { vector } = encodeUpdate(new Float32Array(layout.size), { ...code, sampleCounts: [1000, 1000], residual });
    const codes = codeWordsFromBytes(vector, 16).subarray(updateVectorLength(layout, 16) - layout.size);
    const norm = Math.sqrt(Array.from(codes).reduce((sum, value) => sum + value * value, 0));
    expect(norm).toBeLessThanOrEqual(bound);
    expect(norm).toBeGreaterThan(0.8 * bound);
    // What was not sent is still there.
    for (const [i, left] of residual.entries()) expect(left).toBeCloseTo(before[i]! - codes[i]! / scale, 6);
  });

  test('refuses counts that would tell how many samples a site has', () => {
    const code = { layout, clip: 0.1, maximumSampleCount: 1000, sites: 8, central };
    expect(() => encodeUpdate(delta, { ...code, sampleCounts: [1000, 10] })).toThrow('every group must count as');
  });
});
