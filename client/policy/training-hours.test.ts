import { describe, expect, test } from 'vitest';
import { isTrainingHour, nextTrainingHour, TrainingHours } from './training-hours.ts';

/** By this machine's clock, as the hours are. */
const at = (hour: number, minute = 0, day = 10) => new Date(2026, 2, day, hour, minute).getTime();
const night = { from: '22:30', to: '06:00' };
const day = { from: '08:00', to: '18:00' };

describe('isTrainingHour()', () => {
  test.each([
    [night, at(22, 29), false],
    [night, at(22, 30), true],
    [night, at(0), true],
    [night, at(5, 59), true],
    [night, at(6), false],
    [day, at(7, 59), false],
    [day, at(8), true],
    [day, at(17, 59), true],
    [day, at(18), false],
  ])('of %j at %d is %s', (hours, millis, expected) => {
    expect(isTrainingHour(hours, millis)).toBe(expected);
  });
});

describe('nextTrainingHour()', () => {
  test('is now when the hours have begun, else their next beginning', () => {
    expect(nextTrainingHour(night, at(23))).toBe(at(23));
    expect(nextTrainingHour(night, at(12))).toBe(at(22, 30));
    expect(nextTrainingHour(day, at(7))).toBe(at(8));
    expect(nextTrainingHour(day, at(19))).toBe(at(8, 0, 11));
  });
});

describe('TrainingHours', () => {
  test.each([
    { from: '24:00', to: '06:00' },
    { from: '6:00', to: '07:00' },
    { from: '06:00', to: '06:00' },
    { from: '06:00' },
  ])('refuses %j', (hours) => {
    expect(TrainingHours.safeParse(hours).success).toBe(false);
  });
});
