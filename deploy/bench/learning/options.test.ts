import { describe, expect, test } from 'vitest';
import { BenchError } from '../bench-error.ts';
import { readOptions } from './options.ts';

describe('readOptions()', () => {
  test('measures every engine but plain JavaScript on both models unless told', () => {
    expect(readOptions([])).toEqual({
      json: null,
      engines: ['cuda', 'native', 'webgpu', 'wasm'],
      models: ['vit_tiny', 'vit_small'],
      blockSeconds: 5,
    });
  });

  test('takes lists, a file and a length', () => {
    const words = ['--engines', 'wasm,plain', '--models=vit_small', '--seconds', '0.5', '--json', 'figures.json'];
    expect(readOptions(words)).toEqual({
      json: 'figures.json',
      engines: ['wasm', 'plain'],
      models: ['vit_small'],
      blockSeconds: 0.5,
    });
  });

  test.each([
    [['--engines', 'steam'], '--engines takes cuda, native, webgpu, wasm, plain, found "steam"'],
    [['--models', 'vit_huge'], '--models takes vit_tiny, vit_small, found "vit_huge"'],
    [['--seconds', 'long'], '--seconds must be above 0 and at most 600, found "long"'],
    [['--frob'], "Unknown option '--frob'"],
    [['wasm'], 'wasm'],
  ])('refuses %j', (words, reason) => {
    expect(() => readOptions(words)).toThrow(BenchError);
    expect(() => readOptions(words)).toThrow(reason);
  });
});
