import { describe, expect, test } from 'vitest';
import { createXoshiro128 } from './xoshiro128.ts';

describe('createXoshiro128()', () => {
  test('gives the numbers of the authors’ C program for the state 1, 2, 3, 4', () => {
    const next = createXoshiro128([1, 2, 3, 4]);
    expect(Array.from({ length: 10 }, () => next())).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  test('refuses the state it could never leave', () => {
    expect(() => createXoshiro128([0, 0, 0, 0])).toThrow(RangeError);
  });
});
