import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { coordinateMedian, trimmedMean } from './coordinate-wise.ts';
import { addSquaredDistances, orderByKrum } from './krum.ts';
import { piecesOf, robustMean } from './robust-mean.ts';
import { fewestUpdates, ROBUST_RULES, type RobustRule } from './robust-rule.ts';

const vectors = (rows: readonly (readonly number[])[]): Float32Array[] => rows.map((row) => Float32Array.from(row));
const random = (seed: number, { updates, size }: { updates: number; size: number }): Float32Array[] => {
  const source = createRandom(seed);
  return Array.from({ length: updates }, () => Float32Array.from({ length: size }, () => source.next() - 0.5));
};
const ruleOf = (kind: RobustRule['kind'], faulty: number): RobustRule => ({ kind, faulty });
const aggregate = async (updates: readonly Float32Array[], rule: RobustRule, pieceLength = 7) =>
  robustMean(piecesOf(updates), { rule, pieceLength });

describe('trimmedMean()', () => {
  test('leaves out the ends of each coordinate by itself', () => {
    const piece = vectors([
      [1, 40],
      [2, 10],
      [3, 20],
      [100, 30],
      [-100, 0],
    ]);
    expect([...trimmedMean(piece, { trim: 1 })]).toEqual([2, 20]);
    expect([...coordinateMedian(piece)]).toEqual([2, 20]);
  });

  test('takes the two middle values of an even number as the median', () => {
    expect([...coordinateMedian(vectors([[1], [9], [2], [4]]))]).toEqual([3]);
  });

  test('withstands values that are not finite up to its trim, and refuses more', () => {
    expect([...trimmedMean(vectors([[1], [Number.NaN], [3], [2]]), { trim: 1 })]).toEqual([2.5]);
    expect(() => trimmedMean(vectors([[1], [Number.NaN], [Infinity], [2]]), { trim: 1 })).toThrow('not finite');
    expect(() => trimmedMean(vectors([[1], [2]]), { trim: 1 })).toThrow('needs more than 2 updates, found 2');
    expect(() => trimmedMean(vectors([[1], [2, 3]]), { trim: 0 })).toThrow('must have 1 coordinates, found 2');
  });
});

describe('orderByKrum()', () => {
  test('scores by the nearest n - f - 2 others', () => {
    // On a line at 0, 1, 2.1, 10 and 50: with f = 1 the two nearest count.
    const distances = new Float64Array(25);
    addSquaredDistances(distances, vectors([[0], [1], [2.1], [10], [50]]));
    // Scores 5.41, 2.21, 5.62, 143.41 and 3894.41.
    expect(orderByKrum(distances, { faulty: 1 })).toEqual([1, 0, 2, 3, 4]);
  });

  test('puts updates that are not finite last, however many', () => {
    const distances = new Float64Array(49);
    addSquaredDistances(distances, vectors([[Number.NaN], [1], [Infinity], [2], [3], [4], [5.5]]));
    expect(orderByKrum(distances, { faulty: 2 }).slice(-2)).toEqual([0, 2]);
  });
});

describe('robustMean()', () => {
  test.each(ROBUST_RULES)('%s refuses fewer updates than it needs, by name', async (kind) => {
    for (const faulty of [0, 1, 3]) {
      const rule = ruleOf(kind, faulty);
      const needed = fewestUpdates(rule);
      const updates = random(1, { updates: needed, size: 4 });
      await expect(aggregate(updates.slice(1), rule)).rejects.toThrow(
        `Cannot aggregate by ${kind}: withstanding ${faulty} faulty updates needs ${needed}, found ${needed - 1}`,
      );
      expect((await aggregate(updates, rule)).mean).toHaveLength(4);
    }
    await expect(aggregate(random(1, { updates: 9, size: 4 }), ruleOf(kind, -1))).rejects.toThrow('found -1');
    await expect(aggregate(random(1, { updates: 9, size: 4 }), ruleOf(kind, 0.5))).rejects.toThrow('found 0.5');
  });

  test('krum and multi-krum need 2f + 3, the others 2f + 1', () => {
    expect(ROBUST_RULES.map((kind) => fewestUpdates(ruleOf(kind, 2)))).toEqual([7, 7, 5, 5]);
  });

  test.each(ROBUST_RULES)('%s gives the same bits in any order and for any length of pieces', async (kind) => {
    const updates = random(5, { updates: 9, size: 50 });
    const rule = ruleOf(kind, 2);
    const { mean } = await aggregate(updates, rule, 50);
    const source = createRandom(6);
    for (const pieceLength of [1, 7, 49, 50, 1000]) {
      expect((await aggregate(source.shuffle(updates), rule, pieceLength)).mean).toEqual(mean);
    }
  });

  test('names whom Krum chose', async () => {
    const near = random(7, { updates: 6, size: 20 });
    const updates = [near[0]!, new Float32Array(20).fill(100), ...near.slice(1)];
    expect((await aggregate(updates, ruleOf('multi-krum', 1))).chosen).not.toContain(1);
    expect((await aggregate(updates, ruleOf('multi-krum', 1))).chosen).toHaveLength(4);
    expect((await aggregate(updates, ruleOf('krum', 1))).chosen).toHaveLength(1);
    expect((await aggregate(updates, ruleOf('median', 1))).chosen).toBeNull();
  });

  test('never asks for more than a piece', async () => {
    const updates = random(8, { updates: 7, size: 100 });
    let largest = 0;
    const pieces = piecesOf(updates);
    const counted = {
      ...pieces,
      async read(offset: number, length: number) {
        largest = Math.max(largest, length);
        return pieces.read(offset, length);
      },
    };
    for (const kind of ROBUST_RULES) await robustMean(counted, { rule: ruleOf(kind, 2), pieceLength: 16 });
    expect(largest).toBe(16);
  });

  test('refuses updates of different sizes', () => {
    expect(() => piecesOf(vectors([[1, 2], [1]]))).toThrow('all updates need the first one');
  });
});
