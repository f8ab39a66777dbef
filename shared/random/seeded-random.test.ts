import { describe, expect, test } from 'vitest';
import { createRandom } from './seeded-random.ts';

/** Checked against a second implementation in another language; a change of any digit changes every study's starting weights. */
const KNOWN = {
  next: [0.212664263191929, 0.2870159430809692, 0.10649473456892156, 0.4740942786929442],
  int: [233, 397, 171, 880],
  normal: [-0.5977588884604512, 0.5775993418709668, 0.2780593216029643, 0.8025999755590519],
  shuffle: ['b', 'c', 'd', 'f', 'e', 'a'],
  fork: [0.509580887106474, 0.0662124519778371],
};

const draw = (count: number, next: () => number) => Array.from({ length: count }, next);

describe('createRandom()', () => {
  test('gives known numbers, the same on every machine', () => {
    const random = createRandom(42);
    expect(draw(4, random.next)).toEqual(KNOWN.next);
    expect(draw(4, () => random.int(1000))).toEqual(KNOWN.int);
    expect(draw(4, random.normal)).toEqual(KNOWN.normal);
    expect(random.shuffle(['a', 'b', 'c', 'd', 'e', 'f'])).toEqual(KNOWN.shuffle);
    expect(draw(2, createRandom(42).fork('weights').fork('norm.bias').next)).toEqual(KNOWN.fork);
  });

  test('tells a number from the same digits as text', () => {
    expect(createRandom(1).next()).not.toBe(createRandom('1').next());
  });

  test('refuses a seed that is not a number', () => {
    expect(() => createRandom(Number.NaN)).toThrow(TypeError);
  });

  test('fork() does not depend on the numbers drawn before', () => {
    const fresh = createRandom('study');
    const used = createRandom('study');
    draw(17, used.next);
    expect(draw(5, used.fork('batches').next)).toEqual(draw(5, fresh.fork('batches').next));
    expect(fresh.fork('batches').next()).not.toBe(fresh.fork('splits').next());
    expect(fresh.fork('a').fork('b').next()).not.toBe(fresh.fork('ab').next());
  });

  test('next() is uniform: mean and variance within five standard errors', () => {
    const values = draw(100_000, createRandom(7).next);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / values.length));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / values.length));
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
  });

  test('normal() has the moments of the standard normal distribution within five standard errors', () => {
    const values = draw(200_000, createRandom(8).normal);
    const moment = (power: number) => values.reduce((sum, value) => sum + value ** power, 0) / values.length;
    // Standard errors of the first four raw moments: sqrt((E x^2k - (E x^k)^2) / n).
    expect(Math.abs(moment(1))).toBeLessThan(5 * Math.sqrt(1 / values.length));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / values.length));
    expect(Math.abs(moment(3))).toBeLessThan(5 * Math.sqrt(15 / values.length));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / values.length));
  });

  test('int() reaches each value equally often', () => {
    const random = createRandom(9);
    const counts = [0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < 70_000; i += 1) counts[random.int(7)]! += 1;
    // Chi-square with six degrees of freedom: above 30 happens once in 25,000 seeds.
    expect(counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)).toBeLessThan(30);
  });

  test.each([0, -1, 1.5, 2 ** 32 + 1, Number.NaN])('int(%s) is refused', (n) => {
    expect(() => createRandom(1).int(n)).toThrow(RangeError);
  });

  test('shuffle() keeps every item and leaves the original alone', () => {
    const items = draw(100, () => 0).map((_, index) => index);
    const shuffled = createRandom(3).shuffle(items);
    expect(items).toEqual([...items].sort((a, b) => a - b));
    expect(shuffled).not.toEqual(items);
    expect([...shuffled].sort((a, b) => a - b)).toEqual(items);
  });
});
