import { describe, expect, test } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatGain,
  formatList,
  formatMean,
  formatPlural,
  formatSeconds,
  formatShare,
} from './format-figure.ts';

describe('format-figure', () => {
  test('writes means and gains with their errors and a real minus sign', () => {
    expect(formatMean({ mean: 0.7421, standardError: 0.0307 })).toBe('0.742 ± 0.031');
    expect(formatMean(null)).toBe('–');
    expect(formatGain({ mean: 0.21, standardError: 0.042 })).toBe('+0.210 ± 0.042');
    expect(formatGain({ mean: -0.21, standardError: 0.042 })).toBe('\u22120.210 ± 0.042');
  });

  test.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1000, '1.0 kB'],
    [22_110_464, '22.1 MB'],
    [221_104_640, '221 MB'],
    [999_600, '1.0 MB'],
  ])('writes %i bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test.each([
    [1.25, '1.3 s'],
    [48.2, '48 s'],
    [59.7, '1 min 00 s'],
    [254, '4 min 14 s'],
    [7500, '2 h 05 min'],
    [3599.6, '1 h 00 min'],
  ])('writes %d seconds as %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });

  test('groups thousands, names shares, joins lists', () => {
    expect(formatCount(12480)).toBe('12,480');
    expect(formatShare(0.2139)).toBe('21.4 %');
    expect(formatList(['a'])).toBe('a');
    expect(formatList(['a', 'b', 'c'])).toBe('a, b and c');
    expect(formatPlural(1, 'patient')).toBe('1 patient');
    expect(formatPlural(1200, 'series', 'series')).toBe('1,200 series');
  });
});
