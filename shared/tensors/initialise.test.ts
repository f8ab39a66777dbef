import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../bytes/hash.ts';
import { initialise, initialisePieces } from './initialise.ts';
import { createLayout, type Initialiser, tensorView } from './layout.ts';

const tensor = (name: string, size: number, initialiser: Initialiser) =>
  ({ name, shape: [size], initialiser, group: 'all' }) as const;

const deviation = (values: Float32Array) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

describe('initialise()', () => {
  test('fills constants', () => {
    const layout = createLayout([
      tensor('a', 2, { kind: 'zeros' }),
      tensor('b', 2, { kind: 'ones' }),
      tensor('c', 2, { kind: 'constant', value: 0.25 }),
    ]);
    expect([...initialise(layout, 1)]).toEqual([0, 0, 1, 1, 0.25, 0.25]);
  });

  test('gives known bits, the same on every machine', () => {
    const layout = createLayout([
      tensor('normal', 1000, { kind: 'truncated-normal', standardDeviation: 0.02 }),
      tensor('uniform', 1000, { kind: 'uniform', bound: 0.5 }),
    ]);
    expect(sha256Hex(new Uint8Array(initialise(layout, 'known').buffer))).toBe(
      '364fdfecc594a8f22bb665aa687d8ed1738eb35c54436e0430e7143efae2e5d7',
    );
  });

  test('draws truncated normal numbers within two standard deviations', () => {
    const values = initialise(
      createLayout([tensor('w', 50_000, { kind: 'truncated-normal', standardDeviation: 0.02 })]),
      1,
    );
    expect(values.every((value) => Math.abs(value) <= Math.fround(0.04))).toBe(true);
    // The standard deviation of a normal distribution cut at two is 0.87963 of the uncut one; five standard errors.
    expect(Math.abs(deviation(values) / 0.02 - 0.87963)).toBeLessThan(0.014);
  });

  test('draws uniform numbers within the bound', () => {
    const values = initialise(createLayout([tensor('w', 50_000, { kind: 'uniform', bound: 0.1 })]), 1);
    expect(values.every((value) => Math.abs(value) <= Math.fround(0.1))).toBe(true);
    expect(Math.abs(deviation(values) - 0.1 / Math.sqrt(3))).toBeLessThan(0.001);
  });

  test('counts in logarithms along rows', () => {
    const values = initialise(createLayout([tensor('a', 6, { kind: 'log-count', rowLength: 3 })]), 1);
    expect([...values]).toEqual([1, 2, 3, 1, 2, 3].map((count) => Math.fround(Math.log(count))));
  });

  test('draws numbers whose softplus is log-uniform', () => {
    const initialiser = { kind: 'inverse-softplus', lowest: 1e-3, highest: 0.1 } as const;
    const values = initialise(createLayout([tensor('bias', 50_000, initialiser)]), 1);
    const logarithms = values.map((value) => Math.log10(Math.log1p(Math.exp(value))));
    expect(Math.min(...logarithms)).toBeGreaterThanOrEqual(-3.000001);
    expect(Math.max(...logarithms)).toBeLessThanOrEqual(-0.999999);
    const mean = logarithms.reduce((sum, value) => sum + value, 0) / values.length;
    // Uniform over two decades around -2; five standard errors.
    expect(Math.abs(mean + 2)).toBeLessThan(0.013);
    expect(Math.abs(deviation(logarithms.map((value) => value - mean)) - 2 / Math.sqrt(12))).toBeLessThan(0.006);
  });

  test('gives a tensor the same numbers whatever stands beside it', () => {
    const w = tensor('w', 10, { kind: 'uniform', bound: 1 });
    const alone = createLayout([w]);
    const beside = createLayout([tensor('v', 7, { kind: 'truncated-normal', standardDeviation: 1 }), w]);
    expect(tensorView(beside, initialise(beside, 5), 'w')).toEqual(initialise(alone, 5));
    expect(initialise(alone, 6)).not.toEqual(initialise(alone, 5));
  });
});

describe('initialisePieces()', () => {
  const layout = createLayout([
    tensor('normal', 1001, { kind: 'truncated-normal', standardDeviation: 0.02 }),
    tensor('counts', 60, { kind: 'log-count', rowLength: 7 }),
    tensor('uniform', 500, { kind: 'uniform', bound: 0.5 }),
    tensor('ones', 3, { kind: 'ones' }),
  ]);

  test.each([1, 7, 64, 782, 1564, 5000])('gives the numbers of initialise(), %i at a time', (length) => {
    const pieces = [...initialisePieces(layout, { seed: 'known', length })];
    expect(pieces.flatMap((piece) => [...piece])).toEqual([...initialise(layout, 'known')]);
    for (const piece of pieces.slice(0, -1)) expect(piece).toHaveLength(length);
  });
});
