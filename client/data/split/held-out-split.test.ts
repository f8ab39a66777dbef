import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { heldOutSplit, type SplitCandidate, shareOut } from './held-out-split.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('base64url');

/** Candidates whose strata follow from their number. */
function candidates(
  count: number,
  { seed = 0, strata }: { seed?: number; strata: (index: number) => string[] },
): SplitCandidate[] {
  return Array.from({ length: count }, (_, index) => ({ key: hash(`${seed}/${index}`), strata: strata(index) }));
}

describe('shareOut()', () => {
  test.each<[number[], number, number[]]>([
    [[10, 10], 10, [5, 5]],
    [[3, 3, 3], 4, [2, 1, 1]],
    [[7, 2, 1], 3, [2, 1, 0]],
    [[1, 1, 1, 1], 1, [1, 0, 0, 0]],
    [[5], 2, [2]],
    [[], 0, []],
  ])('shares %j into quotas of %i', (sizes, quota, shares) => {
    expect(shareOut(sizes, quota)).toEqual(shares);
  });
});

describe('heldOutSplit()', () => {
  const strata = (index: number) => [index % 3 === 0 ? 'ct' : 'ct+clinical', index % 5 === 0 ? '1' : '0'];

  test('takes the exact fraction', () => {
    for (const [count, fraction] of [
      [20, 0.25],
      [33, 0.3],
      [101, 0.2],
    ] as const) {
      expect(heldOutSplit(candidates(count, { strata }), fraction).size).toBe(Math.round(count * fraction));
    }
  });

  test('represents every modality and label within one patient', () => {
    const all = candidates(120, { strata });
    const heldOut = heldOutSplit(all, 0.25);
    for (const modality of ['ct', 'ct+clinical']) {
      const group = all.filter(({ strata: [own] }) => own === modality);
      const drawn = group.filter(({ key }) => heldOut.has(key));
      expect(Math.abs(drawn.length - 0.25 * group.length)).toBeLessThan(1);
      const positive = group.filter(({ strata: [, label] }) => label === '1');
      const drawnPositive = positive.filter(({ key }) => heldOut.has(key));
      expect(Math.abs(drawnPositive.length - 0.25 * positive.length)).toBeLessThan(1.5);
    }
  });

  test('does not depend on the order of the candidates', () => {
    const all = candidates(50, { strata });
    expect(heldOutSplit(all.toReversed(), 0.3)).toEqual(heldOutSplit(all, 0.3));
  });

  test('draws others under another key', () => {
    const draw = (seed: number) => {
      const all = candidates(60, { seed, strata });
      const heldOut = heldOutSplit(all, 0.3);
      return all.map(({ key }) => heldOut.has(key));
    };
    expect(draw(1)).not.toEqual(draw(2));
  });

  test('favours no label among groups of one patient each', () => {
    // Every patient has a stratum of its own, so only the tie-break decides; the label is the patient's parity.
    let even = 0;
    for (let seed = 0; seed < 200; seed += 1) {
      const all = candidates(10, { seed, strata: (index) => [String(index % 2 === 0), String(index)] });
      const heldOut = heldOutSplit(all, 0.1);
      even += all.findIndex(({ key }) => heldOut.has(key)) % 2 === 0 ? 1 : 0;
    }
    // 200 fair draws lie within 100 +- 30 but for one time in 50,000.
    expect(Math.abs(even - 100)).toBeLessThan(30);
  });

  test('leaves a patient for training and draws nobody from nobody', () => {
    expect(heldOutSplit(candidates(1, { strata }), 0.9).size).toBe(0);
    expect(heldOutSplit(candidates(2, { strata }), 0.9).size).toBe(1);
    expect(heldOutSplit([], 0.5).size).toBe(0);
  });
});
