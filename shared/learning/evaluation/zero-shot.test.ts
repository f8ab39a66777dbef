import { describe, expect, test } from 'vitest';
import { zeroShotProbabilities } from './zero-shot.ts';

const images = Float32Array.of(1, 0, 0, 3);
const prompts = { positive: Float32Array.of(2, 0), negative: Float32Array.of(0, 5) };

describe('zeroShotProbabilities()', () => {
  test('prefers the prompt in the image’s direction, whatever the lengths, by cosine', () => {
    const [first, second] = zeroShotProbabilities(images, prompts, {
      width: 2,
      similarity: 'cosine',
      temperature: 0.5,
    });
    expect(first).toBeCloseTo(1 / (1 + Math.exp(-2)), 12);
    expect(second).toBeCloseTo(1 / (1 + Math.exp(2)), 12);
  });

  test('lets lengths count by dot product', () => {
    const [first, second] = zeroShotProbabilities(images, prompts, { width: 2, similarity: 'dot-product' });
    expect(first).toBeCloseTo(1 / (1 + Math.exp(-2)), 12);
    expect(second).toBeCloseTo(1 / (1 + Math.exp(15)), 12);
  });

  test('refuses a positive prompt without a negative one', () => {
    const lonely = { positive: Float32Array.of(1, 0, 0, 1), negative: Float32Array.of(1, 0) };
    expect(() => zeroShotProbabilities(images, lonely, { width: 2, similarity: 'cosine' })).toThrow(TypeError);
  });
});
