import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { emptyWindow, slideWindow, WINDOW_SIZE } from './slide-window.ts';

function verdicts(sequences: readonly number[]): string[] {
  let window = emptyWindow;
  return sequences.map((sequence) => {
    const next = slideWindow(window, sequence);
    window = next.window;
    return next.verdict;
  });
}

describe('slideWindow()', () => {
  test('takes each number once, in any order', () => {
    expect(verdicts([0, 1, 5, 3, 5, 3, 0, 4])).toEqual([
      'new',
      'new',
      'new',
      'new',
      'repeated',
      'repeated',
      'repeated',
      'new',
    ]);
  });

  test('ends at the newest number, inclusive, and has 1,024 of them', () => {
    const newest = 5000;
    expect(verdicts([newest, newest - WINDOW_SIZE + 1, newest - WINDOW_SIZE])).toEqual(['new', 'new', 'too-old']);
    expect(verdicts([newest - WINDOW_SIZE + 1, newest, newest - WINDOW_SIZE + 1])).toEqual(['new', 'new', 'repeated']);
    expect(verdicts([1, Number.MAX_SAFE_INTEGER, 1])).toEqual(['new', 'new', 'too-old']);
  });

  test('agrees with a list of all numbers that were used', () => {
    for (let seed = 0; seed < 5; seed++) {
      const random = createRandom(`windows/${seed}`);
      const sequences = Array.from({ length: 2000 }, (_, index) => Math.max(0, index + random.int(3000) - 1500));
      const used = new Set<number>();
      let newest = 0;
      const expected = sequences.map((sequence) => {
        if (sequence < newest - WINDOW_SIZE + 1) return 'too-old';
        if (used.has(sequence)) return 'repeated';
        used.add(sequence);
        newest = Math.max(newest, sequence);
        return 'new';
      });
      expect(verdicts(sequences), `seed ${seed}`).toEqual(expected);
    }
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 53])('refuses %d', (sequence) => {
    expect(() => slideWindow(emptyWindow, sequence)).toThrow(RangeError);
  });
});
