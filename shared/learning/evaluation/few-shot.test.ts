import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { fewShot } from './few-shot.ts';

function data(strength: number) {
  const random = createRandom('few-shot');
  const labels = Array.from({ length: 60 }, (_, i) => (i % 2) as 0 | 1);
  const features = Float32Array.from(
    { length: 60 * 4 },
    (_, i) => random.normal() + strength * labels[Math.floor(i / 4)]!,
  );
  const indices = [...labels.keys()];
  return { features, width: 4, labels, trainIndices: indices.slice(0, 40), testIndices: indices.slice(40) };
}

describe('fewShot()', () => {
  test('the error is the standard deviation over draws divided by the root of their number', () => {
    const few = fewShot({ ...data(0.6), shots: 3, seeds: 4, seed: 1 })!;
    const aucs = few.draws.map((draw) => draw.auc);
    const mean = aucs.reduce((a, b) => a + b, 0) / 4;
    const deviation = Math.sqrt(aucs.reduce((sum, auc) => sum + (auc - mean) ** 2, 0) / 3);
    expect(few.auc.mean).toBeCloseTo(mean, 12);
    expect(few.auc.standardError).toBeCloseTo(deviation / 2, 12);
    expect(new Set(aucs).size).toBeGreaterThan(1);
  });

  test('draws without replacement: with as many shots as patients every draw is the same', () => {
    const few = fewShot({ ...data(0.6), shots: 20, seeds: 3, seed: 1 })!;
    expect(few.auc.standardError).toBeLessThan(1e-9);
  });

  test('is null when a class has fewer training patients than shots', () => {
    expect(fewShot({ ...data(0.6), shots: 21, seeds: 3, seed: 1 })).toBeNull();
  });

  test('does not depend on the scale or offset of a feature', () => {
    const plain = data(0.6);
    const scaled = { ...plain, features: plain.features.map((value, i) => (i % 4 === 0 ? 64 * value + 256 : value)) };
    const a = fewShot({ ...plain, shots: 2, seeds: 3, seed: 1 })!;
    const b = fewShot({ ...scaled, shots: 2, seeds: 3, seed: 1 })!;
    expect(b.auc.mean).toBeCloseTo(a.auc.mean, 6);
  });
});
