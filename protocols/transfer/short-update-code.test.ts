import { codeWordsFromBytes, createCodeWords } from '@wardround/shared/bytes/code-words.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { createLayout } from '@wardround/shared/tensors/layout.ts';
import { describe, expect, test } from 'vitest';
import {
  addUpdate,
  checkUpdate,
  decodeSum,
  encodeUpdate,
  updateVectorBytes,
  updateVectorLength,
} from './update-code.ts';

const tensor = (name: string, size: number, group: string) =>
  ({ name, shape: [size], initialiser: { kind: 'zeros' }, group }) as const;
const layout = createLayout([tensor('a', 3, 'image'), tensor('b', 4, 'clinical'), tensor('c', 2, 'image')]);
const code = { layout, clip: 0.5, maximumSampleCount: 100_000, sites: 4, codeBits: 16 } as const;
const COUNT_WORDS = 9;

const sumOf = (vectors: readonly Uint8Array[]) => {
  const sum = createCodeWords(updateVectorLength(layout, 16), 16);
  for (const vector of vectors) addUpdate(sum, vector);
  return sum;
};

describe('an update vector of 16-bit words', () => {
  test('has two bytes a code, and digits of the sample counts before them', () => {
    const delta = Float32Array.from([0.25, -0.5, 0.75, 0.5, 0, 0, 0, -0.125, 1]);
    const { vector, clippedCoordinates } = encodeUpdate(delta, { ...code, sampleCounts: [100_000, 50_000] });
    expect(vector.length).toBe(updateVectorBytes(layout, 16));
    const words = [...codeWordsFromBytes(vector, 16)];
    const digits = (at: number) =>
      words.slice(at, at + COUNT_WORDS).reduce((sum, digit, index) => sum + digit * 8 ** index, 0);
    expect([digits(0), digits(COUNT_WORDS)]).toEqual([100_000, 50_000]);
    const scale = 2 ** 13 / (4 * 0.5);
    const codes = [0.25, -0.5, 0.5, 0.25, 0, 0, 0, -0.125, 0.5].map((value) => value * scale);
    expect(words.slice(2 * COUNT_WORDS)).toEqual(codes);
    expect(clippedCoordinates).toBe(2);
    expect(checkUpdate(vector, code)).toBeNull();
  });

  test('gives known bytes', () => {
    const delta = Float32Array.from([0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.01, 0.02, -0.03]);
    const residual = new Float32Array(9).fill(1e-4);
    const { vector } = encodeUpdate(delta, { ...code, sampleCounts: [77_777, 4_242], residual });
    expect(Buffer.from(vector).toString('hex')).toBe(
      '0100020007000700020002000000000000000200020002000000010000000000000000003f0183fdbc03bbff5700a9ff02004000a1ff',
    );
  });

  test('adds up to the sample-weighted mean and the samples, also at the bounds of both', () => {
    for (const sites of [3, 4, 100, 1000]) {
      const terms = { ...code, clip: 0.01, sites, maximumSampleCount: 2_000_000 };
      const counts = Array.from({ length: sites }, (_, site) => (site === 0 ? 1_234_567 : 2_000_000));
      const delta = new Float32Array(layout.size).fill(1);
      const vectors = counts.map((count) => encodeUpdate(delta, { ...terms, sampleCounts: [count, 2_000_000] }).vector);
      const sum = sumOf(vectors);
      // Rounding can add half a step at each site.
      expect(sum.every((word) => Math.abs(word) <= 2 ** 13 + sites / 2)).toBe(true);
      const { meanDelta, sampleCounts } = decodeSum(sum, terms);
      expect(sampleCounts).toEqual([counts.reduce((all, count) => all + count, 0), 2_000_000 * sites]);
      // A code is a multiple of 1 / scale, and rounding may lose half of one at each site.
      const step = (sites * 0.01) / 2 ** 13;
      for (const value of meanDelta) expect(Math.abs(value - 0.01)).toBeLessThan(step);
    }
  });

  test('refuses what no site could have made', () => {
    const { vector } = encodeUpdate(new Float32Array(9).fill(0.1), { ...code, sampleCounts: [1000, 10] });
    const changed = (index: number, value: number) => {
      const copy = Uint8Array.from(vector);
      codeWordsFromBytes(copy, 16)[index] = value;
      return checkUpdate(copy, code);
    };
    expect(changed(0, 7)).toBeNull();
    expect(changed(0, 8)).toBe('update-sample-count');
    expect(changed(0, -1)).toBe('update-sample-count');
    expect(changed(8, 1)).toBe('update-sample-count');
    expect(changed(2 * COUNT_WORDS, Math.round((1000 / 100_000) * 0.5 * 2 ** 12))).toBeNull();
    expect(changed(2 * COUNT_WORDS, Math.round((1000 / 100_000) * 0.5 * 2 ** 12) + 1)).toBe('update-out-of-range');
    expect(checkUpdate(vector.subarray(1), code)).toBe('update-wrong-length');
    expect(checkUpdate(vector, { ...code, codeBits: 32 })).toBe('update-wrong-length');
  });

  test('is not decoded where a digit is none that so many sites have, or as words of the wrong width', () => {
    const sum = sumOf([encodeUpdate(new Float32Array(9), { ...code, sampleCounts: [1, 1] }).vector]);
    sum[0] = 4 * 7 + 1;
    expect(() => decodeSum(sum, code)).toThrow('digits that no sites have');
    expect(() => decodeSum(new Int32Array(sum.length), code)).toThrow('needed 16-bit words, found 32-bit ones');
  });

  test('refuses scales that leave codes no room', () => {
    const encode = (clip: number, sites: number) =>
      encodeUpdate(new Float32Array(9), { ...code, clip, sites, maximumSampleCount: 10, sampleCounts: [1, 1] });
    expect(() => encode(100, 100)).toThrow('clip must be from 2^-39 / terms to 2^13 / terms, found 100');
    expect(() => encode(1e-3, 1171)).toThrow('at most 1170 sites fit, found 1171');
  });
});

describe('error feedback', () => {
  const sites = ['north', 'east', 'south', 'west'];
  const ROUNDS = 400;
  /** True changes far below one step of the code, at weights that differ by site and round. */
  const run = (withFeedback: boolean, unsent: (round: number, site: number) => boolean = () => false) => {
    const random = createRandom('feedback');
    const changes = sites.map(() => Float32Array.from({ length: layout.size }, () => 2e-5 * random.normal()));
    let residuals = sites.map(() => new Float32Array(layout.size));
    const decoded = new Float64Array(layout.size);
    const truth = new Float64Array(layout.size);
    for (let round = 0; round < ROUNDS; round += 1) {
      const counts = sites.map((_, site) => (unsent(round, site) ? 0 : 20_000 * (site + 1)));
      const candidates = residuals.map((residual) => Float32Array.from(residual));
      const vectors = sites.map(
        (_, site) =>
          encodeUpdate(changes[site]!, {
            ...code,
            sampleCounts: [20_000 * (site + 1), 20_000 * (site + 1)],
            ...(withFeedback && { residual: candidates[site]! }),
          }).vector,
      );
      const arrived = sites.map((_, site) => site).filter((site) => !unsent(round, site));
      residuals = residuals.map((residual, site) => (arrived.includes(site) ? candidates[site]! : residual));
      const total = counts.reduce((sum, count) => sum + count, 0);
      const { meanDelta } = decodeSum(sumOf(arrived.map((site) => vectors[site]!)), code);
      for (let i = 0; i < layout.size; i += 1) {
        decoded[i]! += (meanDelta[i]! * total) / 1e5;
        truth[i]! += arrived.reduce((sum, site) => sum + changes[site]![i]! * counts[site]!, 0) / 1e5;
      }
    }
    return Math.max(...truth.map((value, i) => Math.abs(value - decoded[i]!)));
  };
  /** Each site may still hold half a step at the end, and one step more after its weight changed. */
  const bound = (sites.length * (4 * 0.5)) / 2 ** 13;

  test('lets the sum of all rounds come to the true sum, and without it changes below a step are lost for ever', () => {
    expect(run(true)).toBeLessThan(bound);
    expect(run(false)).toBeGreaterThan(5 * bound);
  });

  test('stays right where updates do not reach the sum: the residual is then that of the round before', () => {
    const random = createRandom('lost updates');
    const lost = Array.from({ length: ROUNDS }, () => sites.map((_, site) => site > 0 && random.next() < 0.3));
    expect(run(true, (round, site) => lost[round]![site]!)).toBeLessThan(bound);
  });

  test('gives the same bytes for the same delta and residual', () => {
    const encode = () => {
      const residual = new Float32Array(9).fill(1e-5);
      const { vector } = encodeUpdate(new Float32Array(9).fill(3e-5), {
        ...code,
        sampleCounts: [5000, 70_000],
        residual,
      });
      return { vector, residual };
    };
    expect(encode()).toEqual(encode());
  });

  test('carries over what was clipped, up to what one update can carry', () => {
    const residual = new Float32Array(9);
    const full = { ...code, sampleCounts: [100_000, 100_000], residual };
    const meanOf = (change: number) => {
      const { vector } = encodeUpdate(new Float32Array(9).fill(change), full);
      expect(checkUpdate(vector, code)).toBeNull();
      return decodeSum(codeWordsFromBytes(vector, 16), { ...code, sites: 4 }).meanDelta[0];
    };
    expect([meanOf(0.75), meanOf(0), meanOf(0)]).toEqual([0.5, 0.25, 0]);
    for (let round = 0; round < 20; round += 1) meanOf(3);
    expect([meanOf(0), meanOf(0)]).toEqual([0.5, 0]);
  });

  test('keeps the residual of a group that this round did not train', () => {
    const residual = new Float32Array(9).fill(1e-5);
    encodeUpdate(new Float32Array(9), { ...code, sampleCounts: [100_000, 0], residual });
    expect([...residual.subarray(3, 7)]).toEqual(new Array(4).fill(Math.fround(1e-5)));
  });

  test('refuses what is not finite', () => {
    const delta = new Float32Array(9);
    delta[4] = Number.NaN;
    const residual = new Float32Array(9);
    expect(() => encodeUpdate(delta, { ...code, sampleCounts: [1, 1], residual })).toThrow('"b"');
    expect(() =>
      encodeUpdate(new Float32Array(9), { ...code, sampleCounts: [1, 1], residual: new Float32Array(8) }),
    ).toThrow('needed 9 coordinates, found 8');
  });
});
