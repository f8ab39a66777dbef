import { describe, expect, test } from 'vitest';
import { hararyParameters } from './harary-parameters.ts';

describe('hararyParameters()', () => {
  // The first seven from the literature's rates, the rest from the tests of Google's implementation.
  test.each([
    [100, 0.1, 0.1, 32, 22],
    [200, 0.1, 0.1, 56, 39],
    [500, 0.1, 0.1, 82, 57],
    [1000, 0.1, 0.1, 96, 67],
    [100, 0.2, 0.1, 42, 32],
    [500, 0.2, 0.1, 116, 86],
    [1000, 0.2, 0.1, 140, 104],
    [100, 0.05, 0.05, 16, 11],
    [1000, 0.05, 0.05, 52, 37],
    [1000, 0.33, 0.05, 132, 109],
    [1000, 0.05, 0.33, 398, 223],
    [100, 0.05, 0.33, 72, 39],
    [100, 0.33, 0.05, 42, 37],
    [100, 0.3, 0.3, 92, 62],
    [1000, 0.3, 0.3, 872, 584],
  ])('for %i sites, %d colluding and %d dropping out, finds degree %i and threshold %i', (sites, adversarialRate, dropoutRate, degree, threshold) => {
    expect(hararyParameters(sites, { adversarialRate, dropoutRate })).toEqual({ degree, threshold });
  });

  test('finds none where too many are bad', () => {
    expect(hararyParameters(100, { adversarialRate: 0.5, dropoutRate: 0.4 })).toBeNull();
  });
});
