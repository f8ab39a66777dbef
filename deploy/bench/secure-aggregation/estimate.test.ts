import { expect, test } from 'vitest';
import { estimateSeconds } from './estimate.ts';
import { readOptions } from './options.ts';

const seconds = (words: readonly string[], cores = 4) => estimateSeconds(readOptions(words).cases, { cores });

test('estimateSeconds() grows with sites, sizes and repeats, and shrinks with cores', () => {
  const few = ['--sites', '8', '--parameters', '1000000'];
  expect(seconds(['--sites', '16', '--parameters', '1000000'])).toBeGreaterThan(seconds(few));
  expect(seconds(['--sites', '8', '--parameters', '22000000'])).toBeGreaterThan(seconds(few));
  expect(seconds([...few, '--repeats', '50'])).toBeGreaterThan(seconds(few));
  expect(seconds(['--sites', '1000'], 64)).toBeLessThan(seconds(['--sites', '1000']));
});
