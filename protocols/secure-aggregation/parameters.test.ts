import { describe, expect, test } from 'vitest';
import { sessionParameters } from './parameters.ts';

describe('sessionParameters()', () => {
  test.each([
    [3, 1, 3],
    [4, 1, 3],
    [5, 1, 4],
    [6, 2, 5],
    [8, 2, 6],
    [10, 3, 7],
    [12, 4, 9],
    [16, 5, 11],
    [20, 6, 14],
    [32, 10, 22],
    [64, 21, 43],
  ])('lets %i sites bear %i colluders with threshold %i on the complete graph', (sites, colluders, threshold) => {
    const degree = sites - 1;
    expect(sessionParameters(sites)).toEqual({ colluders, threshold, degree, fewestSurvivors: threshold });
  });

  test('shares with few neighbours above 64 sites', () => {
    expect(sessionParameters(1000)).toEqual({ colluders: 100, threshold: 67, degree: 96, fewestSurvivors: 551 });
    expect(sessionParameters(100)).toEqual({ colluders: 10, threshold: 22, degree: 32, fewestSurvivors: 56 });
  });

  test('never lets both secrets of a site be collected, for every number of sites to 1,000', () => {
    for (let sites = 3; sites <= 1000; sites += sites < 130 ? 1 : 29) {
      const { colluders, threshold, degree, fewestSurvivors } = sessionParameters(sites);
      expect(2 * fewestSurvivors).toBeGreaterThan(sites + colluders);
      expect(2 * threshold).toBeGreaterThan(degree);
      expect(threshold).toBeLessThanOrEqual(degree + 1);
      if (degree === sites - 1) expect(2 * threshold).toBeGreaterThan(sites + colluders);
    }
  });

  test.each([0, 1, 2, -3, 2.5, Number.NaN])('refuses %d sites', (sites) => {
    expect(() => sessionParameters(sites)).toThrow('at least 3 sites');
  });

  test('refuses rates that would need more than 255 neighbours', () => {
    expect(() => sessionParameters(1000, { adversarialRate: 0.05, dropoutRate: 0.33 })).toThrow('more than 255');
  });
});
