import { describe, expect, test } from 'vitest';
import { logErfc, logNormalCdf } from './log-erfc.ts';

describe('logErfc()', () => {
  test.each([
    [-30, Math.LN2],
    [-3, 0.6931361352504468],
    [-0.5, 0.41903914777555956],
    [0, 0],
    [0.3, -0.39843005144008525],
    [1.2, -2.4114403551669295],
    [1.25, -2.5626536619221256],
    [1.3, -2.7182209220903846],
    [2, -5.364941264616638],
    [5, -27.200889545537436],
    [30, -903.9741171106439],
    [1000, -1000007.4801207219],
  ])('of %d is %d, as computed with 40 digits', (x, expected) => {
    expect(Math.abs(logErfc(x) - expected)).toBeLessThanOrEqual(1e-13 * Math.max(1, Math.abs(expected)));
  });
});

describe('logNormalCdf()', () => {
  test('is the logarithm of one half at zero', () => {
    expect(logNormalCdf(0)).toBeCloseTo(-Math.LN2, 14);
  });
});
