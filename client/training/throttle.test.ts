import { describe, expect, test } from 'vitest';
import { throttle } from './throttle.ts';

describe('throttle()', () => {
  test('lets one report through in each interval, and always the last', () => {
    let now = 0;
    const passed: number[] = [];
    const report = throttle<number>((value) => passed.push(value), {
      intervalMillis: 250,
      isLast: (value) => value === 99,
      nowMillis: () => now,
    });
    for (let value = 0; value < 99; value++, now += 10) report(value);
    report(99);
    expect(passed).toEqual([0, 25, 50, 75, 99]);
  });
});
