import { describe, expect, test } from 'vitest';
import { parseNumber } from './parse-number.ts';

describe('parseNumber()', () => {
  test.each([
    ['70', 70],
    [' 12.5 ', 12.5],
    ['-3', -3],
    ['+.5', 0.5],
    ['7.', 7],
    ['1e-3', 0.001],
    ['-01.5E+02', -150],
  ])('reads %s', (cell, value) => {
    expect(parseNumber(cell, { decimalComma: false })).toBe(value);
  });

  test.each([
    ...[
      '',
      'abc',
      '12.5 mm',
      '70 years',
      '0%',
      '>90',
      '1,234',
      '0x10',
      'Infinity',
      '1e999',
      '1e9999',
      '--1',
      '1.2.3',
      'NaN',
    ],
    '١٢',
  ])('takes %s for no number', (cell) => {
    expect(parseNumber(cell, { decimalComma: false })).toBeNull();
  });

  test('reads a decimal comma only where commas separate nothing', () => {
    expect(parseNumber('12,5', { decimalComma: true })).toBe(12.5);
    expect(parseNumber('1,234,5', { decimalComma: true })).toBeNull();
  });
});
