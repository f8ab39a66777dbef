import { describe, expect, test } from 'vitest';
import { contrastedPatients, contrasts } from './contrasts.ts';

const yes = true;
const no = false;

describe('contrasts()', () => {
  test('names each pair that two patients have, and who they are', () => {
    const found = contrasts({
      ct: [yes, yes, yes, no],
      clinical: [yes, no, yes, yes],
      expression: [no, yes, yes, yes],
    });
    expect(found).toEqual([
      { name: 'ct-clinical', modalities: ['ct', 'clinical'], patients: [0, 2] },
      { name: 'ct-expression', modalities: ['ct', 'expression'], patients: [1, 2] },
      { name: 'clinical-expression', modalities: ['clinical', 'expression'], patients: [2, 3] },
    ]);
  });

  test('leaves out a pair that only one patient has', () => {
    expect(contrasts({ ct: [yes, yes], clinical: [yes, no], expression: [no, no] })).toEqual([]);
  });
});

describe('contrastedPatients()', () => {
  test('names each patient of any contrast of the modality once, in order', () => {
    const found = contrasts({ ct: [yes, yes, yes, yes], clinical: [no, no, yes, yes], expression: [yes, no, yes, no] });
    expect(found.map(({ name }) => name)).toEqual(['ct-clinical', 'ct-expression']);
    expect(contrastedPatients(found, 'ct')).toEqual([0, 2, 3]);
    expect(contrastedPatients(found, 'clinical')).toEqual([2, 3]);
    expect(contrastedPatients(found, 'expression')).toEqual([0, 2]);
  });
});
