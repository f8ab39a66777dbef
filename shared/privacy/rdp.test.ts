import { describe, expect, test } from 'vitest';
import { noiseMultiplierFor } from './calibrate-noise.ts';
import { logErfc } from './log-erfc.ts';
import { logAdd } from './log-sum.ts';
import { composedRdp, epsilonOfRdp, epsilonSpent, RDP_ORDERS, type RepeatedGaussian } from './rdp.ts';

const spent = (
  [noiseMultiplier, samplingRate, steps, delta]: readonly [number, number, number, number],
  orders: readonly number[] = RDP_ORDERS,
) => epsilonOfRdp(composedRdp([{ noiseMultiplier, samplingRate, steps }], orders), { delta, orders });

const relative = (found: number, expected: number) => Math.abs(found / expected - 1);

describe('epsilonOfRdp() against other accountants', () => {
  test('Opacus: noise 1.5, rate 0.04, 2250 steps', () => {
    const { epsilon, order } = spent([1.5, 0.04, 2250, 1e-5]);
    expect(relative(epsilon, 7.32911117143)).toBeLessThan(1e-8);
    expect(order).toBe(3.9);
  });

  test('Opacus: noise 0.7, rate 0.01, 120 steps', () => {
    expect(relative(spent([0.7, 0.01, 120, 1e-5]).epsilon, 3.2391922)).toBeLessThan(1e-8);
  });

  test('TensorFlow Privacy: noise 0.1 on a sample of 1024 in 10^8, orders in quarters', () => {
    const orders = Array.from({ length: 40 }, (_, index) => 1.25 + index / 4);
    const { epsilon, order } = spent([0.1, 1024 / 1e8, 976563, 1e-7], orders);
    expect(relative(epsilon, 5907982.3113984)).toBeLessThan(1e-10);
    expect(order).toBe(1.25);
  });

  test.each([
    { name: '1.3, 150 of 60,000', run: [1.3, 150 / 60000, 6000, 1e-5], epsilon: 0.7242234026109595 },
    { name: '1.0, 0.001', run: [1, 0.001, 30000, 1e-7], epsilon: 1.4154988495444842 },
    { name: '0.7, 0.01', run: [0.7, 0.01, 120, 1e-5], epsilon: 3.2392676 },
    { name: '0.7, everybody', run: [0.7, 1, 2, 1e-5], epsilon: 10.8602036 },
    { name: '1.1, 256 of 60,000', run: [1.1, 256 / 60000, 14063, 1e-5], epsilon: 2.596656 },
    { name: '1.0, 0.01, 1000 steps', run: [1, 0.01, 1000, 1e-5], epsilon: 2.101367 },
    { name: '1.0, 0.01, 10,000 steps', run: [1, 0.01, 10000, 1e-5], epsilon: 6.712757 },
    { name: '0.8, 0.01', run: [0.8, 0.01, 1000, 1e-5], epsilon: 3.695613 },
    { name: '2.0, 0.01', run: [2, 0.01, 1000, 1e-5], epsilon: 0.686185 },
    { name: '1.0, everybody once', run: [1, 1, 1, 1e-5], epsilon: 4.728507 },
    { name: '4.0, everybody', run: [4, 1, 50, 1e-3], epsilon: 7.18368 },
    { name: '8.0, everybody', run: [8, 1, 100, 1e-5], epsilon: 6.122758 },
  ] as const)('Google: noise $name', ({ run, epsilon }) => {
    expect(relative(spent(run).epsilon, epsilon)).toBeLessThan(1e-4);
  });

  /** Twice the sensitivity halves the multiplier: 2.0 counts as 1.0. Given to three digits. */
  test('TensorFlow Privacy, microbatched: noise 2.0 over twice the sensitivity, sampled and once an epoch', () => {
    expect(spent([2 / 2, 64 / 10000, 782, 1e-6]).epsilon).toBeCloseTo(1.616, 3);
    expect(spent([2 / 2, 1, 5, 1e-6]).epsilon).toBeCloseTo(13.376, 3);
  });

  test('Google: one release with orders in hundredths', () => {
    const orders = Array.from({ length: 5000 }, (_, index) => 1.01 + index / 100);
    expect(relative(spent([4.530877117, 1, 1, 1e-6], orders).epsilon, 1)).toBeLessThan(1e-6);
  });

  test('noise of the square root of three, three times: below one of Renyi’s bounds, above the exact epsilon', () => {
    expect(spent([Math.sqrt(3), 1, 3, 0.126936]).epsilon).toBeGreaterThan(1);
  });
});

/**
 * At orders that are not whole, Google's accountant adds the terms of both series without their signs: an upper bound, close
 * where noise is large and up to three per cent high where it is small. Ours adds them with their signs.
 */
describe('epsilonOfRdp() where Google’s is an upper bound', () => {
  test.each([
    { run: [0.5, 0.2, 3, 0.15594], google: 2.960408, order: 1.7, exact: 2.92580330484375, tight: 0.999925 },
    { run: [1, 0.1, 100, 1e-5], google: 7.90385, order: 3.2, exact: 7.89925500243808, tight: 7.046603 },
    { run: [1, 0.5, 50, 1e-3], google: 22.948874, order: 1.9, exact: 22.254632966941, tight: 19.909827 },
  ] as const)('noise and rate $run', ({ run, google, order, exact, tight }) => {
    const { epsilon } = spent(run);
    expect(relative(epsilon, exact)).toBeLessThan(1e-10);
    expect(epsilon).toBeLessThan(google);
    expect(epsilon).toBeGreaterThan(tight);
    const [noiseMultiplier, samplingRate, steps, delta] = run;
    const bound = steps * withoutSigns({ noiseMultiplier, samplingRate, steps }, order);
    expect(relative(epsilonOfRdp([bound], { delta, orders: [order] }).epsilon, google)).toBeLessThan(1e-6);
  });

  test('the step that the table gives for both', () => {
    const step = { noiseMultiplier: 1.5, samplingRate: 0.04, steps: 1 };
    expect(relative(withoutSigns(step, 3.9), 0.00183330155)).toBeLessThan(1e-8);
    expect(relative(composedRdp([step], [3.9])[0]!, 0.0018332022)).toBeLessThan(1e-8);
  });
});

function withoutSigns({ noiseMultiplier: sigma, samplingRate: q }: RepeatedGaussian, alpha: number): number {
  const crossing = sigma * sigma * Math.log(1 / q - 1) + 0.5;
  let [sum, logBinomial] = [Number.NEGATIVE_INFINITY, 0];
  for (let i = 0; i < 20_000; i += 1) {
    const j = alpha - i;
    const half = (a: number, b: number, centre: number) =>
      a * Math.log(q) + b * Math.log1p(-q) + (a * a - a) / (2 * sigma * sigma) + centre - Math.LN2;
    const below = half(i, j, logErfc((i - crossing) / Math.SQRT2 / sigma));
    const above = half(j, i, logErfc((crossing - j) / Math.SQRT2 / sigma));
    sum = logAdd(sum, logBinomial + logAdd(below, above));
    logBinomial += Math.log(Math.abs(j) / (i + 1));
  }
  return sum / (alpha - 1);
}

describe('epsilonOfRdp()', () => {
  test('costs nothing where nothing was spent, and refuses what it cannot convert', () => {
    expect(epsilonSpent([], { delta: 1e-5 })).toBe(0);
    expect(() => epsilonSpent([], { delta: 0 })).toThrow(RangeError);
    expect(() => epsilonOfRdp([1], { delta: 1e-5 })).toThrow('found 1');
  });

  test('adds different mechanisms', () => {
    const once = { noiseMultiplier: 1, samplingRate: 0.01, steps: 400 };
    const rest = { ...once, steps: 600 };
    expect(epsilonSpent([once, rest], { delta: 1e-5 })).toBeCloseTo(2.1013652716, 9);
  });
});

describe('noiseMultiplierFor()', () => {
  test.each([
    { steps: 2250, opacus: 1.416 },
    { steps: 2000, opacus: 1.3562 },
  ])('finds what Opacus finds for epsilon 8 in $steps steps', ({ steps, opacus }) => {
    const budget = { epsilon: 8, delta: 1e-5 };
    const noiseMultiplier = noiseMultiplierFor(budget, { samplingRate: 0.04, steps });
    // Opacus stops a little above.
    expect(noiseMultiplier).toBeLessThanOrEqual(opacus);
    expect(relative(noiseMultiplier, opacus)).toBeLessThan(3e-4);
    const cost = epsilonSpent([{ noiseMultiplier, samplingRate: 0.04, steps }], budget);
    expect(cost).toBeLessThanOrEqual(8);
    expect(cost).toBeGreaterThan(8 - 1e-4);
  });

  test('finds multipliers below one, and refuses what no noise can reach', () => {
    const budget = { epsilon: 100, delta: 1e-3 };
    const small = noiseMultiplierFor(budget, { samplingRate: 1, steps: 1 });
    expect(epsilonSpent([{ noiseMultiplier: small, samplingRate: 1, steps: 1 }], budget)).toBeCloseTo(100, 2);
    expect(() => noiseMultiplierFor({ epsilon: 0, delta: 1e-5 }, { samplingRate: 1, steps: 1 })).toThrow(RangeError);
    expect(() => noiseMultiplierFor({ epsilon: 1e-12, delta: 1e-5 }, { samplingRate: 1, steps: 1e9 })).toThrow(
      'Cannot calibrate noise: epsilon 1e-12',
    );
  });
});
