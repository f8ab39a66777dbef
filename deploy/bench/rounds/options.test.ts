import { describe, expect, test } from 'vitest';
import { BenchError } from '../bench-error.ts';
import { readOptions } from './options.ts';

describe('readOptions()', () => {
  test('measures all parts with their own sizes unless told', () => {
    expect(readOptions([])).toMatchObject({
      parts: ['a', 'b', 'c', 'd'],
      parameters: null,
      rounds: null,
      codeBits: 32,
    });
  });

  test('takes parts, a size, a number of rounds and short codes', () => {
    const words = ['--only', 'd,b', '--parameters', '5', '--rounds=2', '--code-bits', '16', '--quick'];
    expect(readOptions(words)).toMatchObject({
      parts: ['d', 'b'],
      parameters: 5,
      rounds: 2,
      codeBits: 16,
      quick: true,
    });
  });

  test.each([
    [['--only', 'e'], '--only takes a, b, c, d, found "e"'],
    [['--parameters', '0'], '--parameters takes whole numbers from 1 to 2000000000, found "0"'],
    [['--code-bits', '8'], '--code-bits takes 16 or 32, found "8"'],
    [['--frob'], "Unknown option '--frob'"],
  ])('refuses %j', (words, reason) => {
    expect(() => readOptions(words)).toThrow(BenchError);
    expect(() => readOptions(words)).toThrow(reason);
  });
});
