import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { contributors, type PatientModalities, patientBatches } from './patient-batches.ts';

/** `c`: CT, `t`: clinical table, `e`: expression. */
function patients(...kinds: string[]): PatientModalities[] {
  return kinds.map((kind, index) => ({
    index,
    has: { ct: kind.includes('c'), clinical: kind.includes('t'), expression: kind.includes('e') },
  }));
}

const indices = (batch: readonly PatientModalities[]) => batch.map(({ index }) => index).sort((a, b) => a - b);

describe('patientBatches()', () => {
  test('leaves out patients with a single modality and passes over all others once', () => {
    const batches = patientBatches(patients('ct', 'c', 'cte', 'e', 'ct', '', 'ce'), {
      batch: 2,
      random: createRandom(1),
    });
    expect(indices(batches.flat())).toEqual([0, 2, 4, 6]);
  });

  test('gives every batch its share of each kind of patient', () => {
    const many = patients(...Array.from({ length: 40 }, (_, index) => (index % 4 === 0 ? 'cte' : 'ct')));
    for (const batch of patientBatches(many, { batch: 8, random: createRandom(2) })) {
      expect(batch.filter(({ has }) => has.expression)).toHaveLength(2);
      expect(batch).toHaveLength(8);
    }
  });

  test('has no batch without a pair to contrast', () => {
    for (let seed = 0; seed < 50; seed++) {
      const batches = patientBatches(patients('ct', 'ce', 'te', 'ct', 'ce'), { batch: 2, random: createRandom(seed) });
      for (const batch of batches)
        expect(contributors(batch, 'ct').length + contributors(batch, 'expression').length).toBeGreaterThan(0);
      expect(indices(batches.flat())).toEqual([0, 1, 2, 3, 4]);
    }
  });

  test('is empty when no two patients share two modalities', () => {
    expect(patientBatches(patients('ct', 'ce', 'te'), { batch: 4, random: createRandom(1) })).toEqual([]);
    expect(patientBatches([], { batch: 4, random: createRandom(1) })).toEqual([]);
  });
});

describe('contributors()', () => {
  test('counts only patients whose modality takes part in a pair that two of the batch have', () => {
    const batch = patients('ct', 'ct', 'ce', 'c');
    expect(indices(contributors(batch, 'ct'))).toEqual([0, 1]);
    expect(indices(contributors(batch, 'clinical'))).toEqual([0, 1]);
    expect(contributors(batch, 'expression')).toEqual([]);
  });
});
