import { describe, expect, test } from 'vitest';
import { observeActivity, secondsLeft, type TimeMemory } from './time-left.ts';

const at = (done: number, key = 'training 1') => ({ site: 'northgate', key, done, total: 20 });

describe('secondsLeft()', () => {
  test('extends the pace since the activity was first seen', () => {
    const memory = observeActivity({}, at(2), 1000);
    expect(secondsLeft(observeActivity(memory, at(8), 4000), at(8), 4000)).toBeCloseTo(6, 9); // 6 steps in 3 s, 12 to go
  });

  test('guesses nothing too early', () => {
    const memory = observeActivity({}, at(0), 1000);
    expect(secondsLeft(memory, at(0), 1000)).toBeNull();
    expect(secondsLeft(memory, at(1), 9000)).toBeNull();
    expect(secondsLeft(memory, at(10), 2000)).toBeNull();
    expect(secondsLeft({}, at(10), 2000)).toBeNull();
  });

  test('starts anew when the activity changes or begins again', () => {
    let memory: TimeMemory = observeActivity({}, at(0), 0);
    memory = observeActivity(memory, at(3, 'training 2'), 10_000);
    expect(memory['northgate']).toEqual({ key: 'training 2', fromDone: 3, sinceMillis: 10_000 });
    memory = observeActivity(memory, at(1, 'training 2'), 20_000);
    expect(memory['northgate']?.sinceMillis).toBe(20_000);
  });
});
