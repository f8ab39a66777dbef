import { describe, expect, test } from 'vitest';
import { fvlmLearningRate } from './fvlm-learning-rate.ts';

describe('fvlmLearningRate()', () => {
  const schedule = { learningRate: 0.2, warmUpSteps: 10, epochs: 4 };

  test('warms up within the first epoch only, and then has one rate an epoch', () => {
    expect(fvlmLearningRate({ epoch: 0, step: 0 }, schedule)).toBe(1e-6);
    expect(fvlmLearningRate({ epoch: 0, step: 5 }, schedule)).toBeCloseTo(0.1000005, 12);
    expect(fvlmLearningRate({ epoch: 0, step: 50 }, schedule)).toBe(0.2);
    expect(fvlmLearningRate({ epoch: 2, step: 0 }, schedule)).toBeCloseTo(0.1000005, 12);
    expect(fvlmLearningRate({ epoch: 2, step: 9 }, schedule)).toBe(fvlmLearningRate({ epoch: 2, step: 0 }, schedule));
  });
});
