import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { evaluateRetrieval } from './evaluate-retrieval.ts';

describe('evaluateRetrieval()', () => {
  const patients = 40;
  const width = 5;
  const random = createRandom('evaluate-retrieval');
  const ct = Float32Array.from({ length: patients * width }, () => random.normal());
  const all = new Array<boolean>(patients).fill(true);
  const heldOut = all.map((_, i) => i % 2 === 0);
  const none = all.map(() => false);

  test('searches among held-out patients with both modalities', () => {
    const clinical = ct.slice();
    // What patients outside the gallery hold must not matter.
    clinical.fill(Number.NaN, 1 * width, 2 * width);
    clinical.fill(Number.NaN, 2 * width, 3 * width);
    const present = { ct: all, clinical: all.map((_, i) => i !== 2), expression: none };
    const { results, skipped } = evaluateRetrieval(
      { ct, clinical, expression: null },
      { width, present, heldOut, minimumPatients: 10, encoder: 'federated' },
    );
    expect(results).toEqual([
      {
        pair: 'ct-clinical',
        encoder: 'federated',
        recallAt1: 1,
        recallAt5: 1,
        chanceAt1: 1 / 19,
        chanceAt5: 5 / 19,
        patients: 19,
      },
    ]);
    expect(skipped).toEqual([
      { task: 'ct-expression', reason: 'modality-absent' },
      { task: 'clinical-expression', reason: 'modality-absent' },
    ]);
  });

  test('leaves out pairs with too few patients', () => {
    const present = { ct: all, clinical: all, expression: all.map((_, i) => i < 10) };
    const { results, skipped } = evaluateRetrieval(
      { ct, clinical: ct, expression: ct },
      { width, present, heldOut, minimumPatients: 10, encoder: 'alone' },
    );
    expect(results.map((row) => row.pair)).toEqual(['ct-clinical']);
    expect(skipped).toEqual([
      { task: 'ct-expression', reason: 'too-few-patients' },
      { task: 'clinical-expression', reason: 'too-few-patients' },
    ]);
  });
});
