import { describe, expect, test } from 'vitest';
import { BenchError } from '../bench-error.ts';
import { readOptions } from './options.ts';

describe('readOptions()', () => {
  test('measures every number of sites on every model, in both widths, with and without drop-outs, unless told', () => {
    const { json, cases } = readOptions([]);
    expect(json).toBeNull();
    expect(cases).toHaveLength(4 * 2 * 2 * 2);
    for (const sites of [4, 8, 16, 1000]) {
      for (const parameters of [1_000_000, 22_000_000]) {
        for (const codeBits of [16, 32] as const) {
          for (const dropouts of [0, sites === 4 ? 1 : 2]) {
            expect(cases).toContainEqual({ sites, parameters, codeBits, dropouts, repeats: 5 });
          }
        }
      }
    }
  });

  test('takes lists, a file and a number of repeats', () => {
    const words = ['--sites', '3,8', '--parameters=5', '--code-bits', '16', '--repeats', '2', '--json', 'figures.json'];
    const { json, cases } = readOptions(words);
    const common = { parameters: 5, codeBits: 16, repeats: 2 };
    expect(json).toBe('figures.json');
    expect(cases).toEqual([
      { sites: 3, dropouts: 0, ...common },
      { sites: 8, dropouts: 0, ...common },
      { sites: 8, dropouts: 2, ...common },
    ]);
  });

  test.each([
    [['--sites', '2'], '--sites takes whole numbers from 3 to 1000, found "2"'],
    [['--sites', '4,'], 'found ""'],
    [['--parameters', 'many'], '--parameters takes whole numbers from 1 to 200000000, found "many"'],
    [['--code-bits', '32,8'], '--code-bits takes 16 and 32, found "8"'],
    [['--repeats', '0'], '--repeats takes whole numbers from 1 to 100, found "0"'],
    [['--frob'], "Unknown option '--frob'"],
    [['8'], '8'],
  ])('refuses %j', (words, reason) => {
    expect(() => readOptions(words)).toThrow(BenchError);
    expect(() => readOptions(words)).toThrow(reason);
  });
});
