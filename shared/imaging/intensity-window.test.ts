import { describe, expect, test } from 'vitest';
import { inWindow } from './intensity-window.ts';

describe('inWindow()', () => {
  test('runs from 0 at the lower end to 1 at the upper end and stays there', () => {
    const lung = { low: -1000, high: 400 };
    expect([-2000, -1000, -300, 400, 3000].map((value) => inWindow(value, lung))).toEqual([0, 0, 0.5, 1, 1]);
  });

  test('is a threshold where the window has no width', () => {
    expect([6, 7, 8].map((value) => inWindow(value, { low: 7, high: 7 }))).toEqual([0, 0, 1]);
  });
});
