import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { linearProbe } from './linear-probe.ts';

describe('linearProbe()', () => {
  const random = createRandom('linear-probe');
  const labels = Array.from({ length: 100 }, (_, i) => i % 2);
  const features = Float32Array.from(
    { length: 100 * 3 },
    (_, i) => random.normal() + (i % 3 === 0 ? labels[Math.floor(i / 3)]! : 0),
  );
  const trainIndices = [...labels.keys()].slice(0, 60);
  const testIndices = [...labels.keys()].slice(60);

  test('scores only the test patients and separates them', () => {
    const probe = linearProbe({ features, width: 3, labels, trainIndices, testIndices });
    expect(probe.scores).toHaveLength(40);
    expect(probe.auc).toBeGreaterThan(0.65);
    expect(probe.standardError).toBeGreaterThan(0.02);
  });

  test('nothing of the test patients reaches the fit', () => {
    const before = linearProbe({ features, width: 3, labels, trainIndices, testIndices });
    const altered = features.slice();
    altered.fill(1e6, 61 * 3);
    const flipped = labels.map((label, i) => (i >= 62 ? 1 - label : label));
    const after = linearProbe({ features: altered, width: 3, labels: flipped, trainIndices, testIndices });
    expect(after.scores[0]).toBe(before.scores[0]);
  });

  test('a constant feature takes no part, whatever its size', () => {
    const wide = new Float32Array(100 * 4);
    for (let row = 0; row < 100; row++) {
      wide.set(features.subarray(row * 3, row * 3 + 3), row * 4);
      wide[row * 4 + 3] = 1e7;
    }
    const plain = linearProbe({ features, width: 3, labels, trainIndices, testIndices });
    const padded = linearProbe({ features: wide, width: 4, labels, trainIndices, testIndices });
    for (const [i, score] of padded.scores.entries()) expect(score).toBeCloseTo(plain.scores[i]!, 8);
  });
});
