import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { diseases } from './diseases.ts';
import { drawPatients } from './patients.ts';

const prevalence = { emphysema: 0.35, malignancy: 0.4, fibrosis: 0.5 };
const draw = (count: number) => drawPatients(createRandom(1), { count, idPrefix: 'T', prevalence });

describe('drawPatients()', () => {
  test('gives each disease its prevalence: exactly by severity, nearly by diagnosis', () => {
    const patients = draw(200);
    for (const disease of diseases) {
      const severe = patients.filter(({ severity }) => severity[disease] > 0).length / patients.length;
      const diagnosed = patients.filter(({ outcome }) => outcome[disease]).length / patients.length;
      expect(Math.abs(severe - prevalence[disease])).toBeLessThanOrEqual(1 / patients.length);
      // Only patients near the threshold are misjudged, about as often one way as the other.
      expect(Math.abs(diagnosed - prevalence[disease])).toBeLessThan(0.05);
      const misjudged = patients.filter(({ severity, outcome }) => severity[disease] > 0 !== outcome[disease]).length;
      expect(misjudged).toBeGreaterThan(0);
      expect(misjudged / patients.length).toBeLessThan(0.12);
    }
  });

  test('leaves modalities out, and no patient of whom nothing is left', () => {
    const patients = draw(200);
    const without = (modality: 'ct' | 'clinical' | 'expression') => patients.filter(({ has }) => !has[modality]).length;
    expect([without('ct'), without('clinical'), without('expression')]).toEqual([5, 10, 20]);
    expect(patients.filter(({ has }) => !has.ct).every(({ has }) => has.clinical && has.expression)).toBe(true);
  });

  test('gives every patient an id of the site', () => {
    const ids = draw(40).map(({ id }) => id);
    expect(new Set(ids).size).toBe(40);
    expect(ids.every((id) => /^T-1\d{3}$/.test(id))).toBe(true);
  });
});
