import { describe, expect, test } from 'vitest';
import { combineSites, exceedsTwoErrors, meanGainOverTasks, meanOverTasks, weightedMean } from './combine-sites.ts';

describe('combineSites()', () => {
  test('weighs by patients and adds variances with squared weights', () => {
    const combined = combineSites([
      { value: { mean: 0.8, standardError: 0.1 }, patients: 30 },
      { value: { mean: 0.6, standardError: 0.2 }, patients: 10 },
    ]);
    // 0.75 * 0.8 + 0.25 * 0.6 = 0.75; sqrt(0.075^2 + 0.05^2) = 0.0901387...
    expect(combined?.mean).toBeCloseTo(0.75, 12);
    expect(combined?.standardError).toBeCloseTo(0.09013878188659973, 12);
  });

  test('leaves a single site as it is', () => {
    const combined = combineSites([{ value: { mean: 0.7, standardError: 0.05 }, patients: 12 }]);
    expect(combined?.mean).toBeCloseTo(0.7, 12);
    expect(combined?.standardError).toBeCloseTo(0.05, 12);
  });

  test('stays inside the bounds of an AUC when every site is perfect', () => {
    const perfect = [7, 11, 13].map((patients) => ({ value: { mean: 1, standardError: 0 }, patients }));
    expect(combineSites(perfect)).toEqual({ mean: 1, standardError: 0 });
  });

  test('has nothing to say without patients', () => {
    expect(combineSites([])).toBeNull();
    expect(combineSites([{ value: { mean: 0.7, standardError: 0.05 }, patients: 0 }])).toBeNull();
    expect(weightedMean([])).toBeNull();
  });
});

describe('meanOverTasks()', () => {
  test('does not shrink the error of tasks that share their patients', () => {
    const mean = meanOverTasks([
      { mean: 0.2, standardError: 0.1 },
      { mean: 0.4, standardError: 0.2 },
    ]);
    expect(mean?.mean).toBeCloseTo(0.3, 12);
    expect(mean?.standardError).toBeCloseTo(0.15, 12);
    expect(meanOverTasks([])).toBeNull();
  });
});

describe('exceedsTwoErrors()', () => {
  test('asks for more than two standard errors, in the right direction', () => {
    expect(exceedsTwoErrors({ mean: 0.21, standardError: 0.1 })).toBe(true);
    expect(exceedsTwoErrors({ mean: 0.2, standardError: 0.1 })).toBe(false);
    expect(exceedsTwoErrors({ mean: -0.5, standardError: 0.1 })).toBe(false);
  });
});

describe('meanGainOverTasks()', () => {
  const site = (covariance: number) => ({
    gains: [
      { task: 'a', mean: 0.2, patients: 30 },
      { task: 'b', mean: 0.1, patients: 30 },
    ],
    covariance: {
      representation: 'slices' as const,
      encoder: 'federated' as const,
      tasks: ['b', 'a'],
      values: [
        [0.0016, covariance],
        [covariance, 0.0016],
      ],
    },
  });

  test('adds independent tasks as such, and fully correlated ones at their worst', () => {
    expect(meanGainOverTasks([site(0)])).toEqual({
      mean: expect.closeTo(0.15, 12),
      standardError: expect.closeTo(0.04 / Math.SQRT2, 12),
    });
    expect(meanGainOverTasks([site(0.0016)])?.standardError).toBeCloseTo(0.04, 12);
  });

  test('weighs sites by patients, task by task', () => {
    const two = meanGainOverTasks([site(0), { ...site(0), gains: [{ task: 'a', mean: 0.5, patients: 90 }] }]);
    expect(two?.mean).toBeCloseTo((0.25 * 0.2 + 0.75 * 0.5 + 0.1) / 2, 12);
    expect(two?.standardError).toBeCloseTo(Math.sqrt((0.25 ** 2 + 0.75 ** 2 + 1) * 0.0016) / 2, 12);
  });

  test('says nothing without gains, or where a site did not say how they vary together', () => {
    expect(meanGainOverTasks([])).toBeNull();
    expect(meanGainOverTasks([{ ...site(0), covariance: undefined }])).toBeNull();
  });
});
