import { describe, expect, test } from 'vitest';
import { diceScores } from './dice-score.ts';

describe('diceScores()', () => {
  test('is 1 for two empty masks and 0 where only one is empty', () => {
    const { dice, iou } = diceScores([0, 0, 0.9, 0, 0, 0], [0, 0, 0, 0, 1, 0], { masks: 3 });
    expect([...dice]).toEqual([1, 0, 0]);
    expect([...iou]).toEqual([1, 0, 0]);
  });

  test('counts a pixel at the threshold, and pools masks as one volume', () => {
    const scores = diceScores([0.5, 0.4, 0.8, 0.8], [1, 0, 1, 0], { masks: 2 });
    expect([...scores.dice]).toEqual([1, 2 / 3]);
    expect([...scores.iou]).toEqual([1, 0.5]);
    expect(scores.dicePooled).toBe(0.8);
    expect(diceScores([0.5, 0.4], [1, 1], { masks: 1, threshold: 0.3 }).dice[0]).toBe(1);
  });

  test('refuses numbers that do not make the masks', () => {
    expect(() => diceScores([1, 0, 1], [1, 0, 1], { masks: 2 })).toThrow(TypeError);
    expect(() => diceScores([1], [1, 0], { masks: 1 })).toThrow(TypeError);
  });
});
