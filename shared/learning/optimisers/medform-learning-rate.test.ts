import { describe, expect, test } from 'vitest';
import { medformLearningRate } from './medform-learning-rate.ts';

describe('medformLearningRate()', () => {
  const schedule = { learningRate: 0.2, warmUpSteps: 4, steps: 12 };

  test('rises to the full rate and falls to its floor', () => {
    expect(medformLearningRate(0, schedule)).toBeCloseTo(0.2e-5, 12);
    expect(medformLearningRate(2, schedule)).toBeCloseTo(0.1 + 1e-6, 8);
    expect(medformLearningRate(4, schedule)).toBeCloseTo(0.2, 12);
    expect(medformLearningRate(8, schedule)).toBeCloseTo(0.1, 7);
    expect(medformLearningRate(12, schedule)).toBeCloseTo(1e-8, 14);
  });

  test('starts at the full rate without a warm-up', () => {
    expect(medformLearningRate(0, { ...schedule, warmUpSteps: 0 })).toBe(0.2);
  });
});
