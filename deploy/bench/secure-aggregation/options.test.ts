import { describe, expect, test } from 'vitest';
import { BenchError } from '../bench-error.ts';
import { readOptions } from './options.ts';

describe('readOptions()', () => {
  test('measures few sites on whole models and a thousand on a short vector unless told', () => {
    const { json, sites, repeats, parametersFor } = readOptions([]);
    expect({ json, sites, repeats }).toEqual({ json: null, sites: [4, 8, 16, 1000], repeats: 5 });
    expect(parametersFor(16)).toEqual([1_000_000, 22_000_000]);
    expect(parametersFor(1000)).toEqual([10_000]);
  });

  test('takes lists, a file and a number of repeats', () => {
    const options = readOptions(['--sites', '3,1000', '--parameters=5', '--repeats', '2', '--json', 'figures.json']);
    expect(options).toMatchObject({ json: 'figures.json', sites: [3, 1000], repeats: 2 });
    expect(options.parametersFor(1000)).toEqual([5]);
  });

  test.each([
    [['--sites', '2'], '--sites takes whole numbers from 3 to 1000, found "2"'],
    [['--sites', '4,'], 'found ""'],
    [['--parameters', 'many'], '--parameters takes whole numbers from 1 to 200000000, found "many"'],
    [['--repeats', '0'], '--repeats takes whole numbers from 1 to 100, found "0"'],
    [['--frob'], "Unknown option '--frob'"],
    [['8'], '8'],
  ])('refuses %j', (words, reason) => {
    expect(() => readOptions(words)).toThrow(BenchError);
    expect(() => readOptions(words)).toThrow(reason);
  });
});
