/** A cohort small enough to train on within a test: a hidden factor shows as brightness in CT, in a table and in genes. */
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import type { Cohort, Patient } from '../../data/cohort.ts';

const SIZE = 32;
const CLINICAL_WIDTH = 3;
const EXPRESSION_WIDTH = 3;

export interface TinyCohortOptions {
  readonly patients: number;
  readonly slicesPerPatient?: number;
  /** Which modalities a patient has; all unless told otherwise. */
  readonly has?: (patient: number) => { ct?: boolean; clinical?: boolean; expression?: boolean };
  readonly seed?: number;
}

export function tinyCohort({ patients, slicesPerPatient = 2, has = () => ({}), seed = 1 }: TinyCohortOptions): Cohort {
  const random = createRandom(seed);
  const made: Patient[] = [];
  const levels: number[] = [];
  for (let index = 0; index < patients; index++) {
    const factor = index % 2;
    const { ct = true, clinical = true, expression = true } = has(index);
    const first = levels.length / SIZE ** 2;
    if (ct) {
      for (let pixel = 0; pixel < slicesPerPatient * SIZE ** 2; pixel++)
        levels.push(60 + 100 * factor + random.int(60));
    }
    const vector = (width: number) =>
      Float32Array.from({ length: width }, () => 2 * factor - 1 + 0.3 * random.normal());
    made.push({
      slices: ct ? { first, count: slicesPerPatient } : null,
      clinical: clinical ? vector(CLINICAL_WIDTH) : null,
      expression: expression ? vector(EXPRESSION_WIDTH) : null,
      labels: { histology: factor as 0 | 1 },
      heldOut: index % 4 >= 2,
    });
  }
  const count = levels.length / SIZE ** 2;
  const any = (modality: 'clinical' | 'expression') => made.some((patient) => patient[modality] !== null);
  return {
    patients: made,
    images: { sizePixels: SIZE, count, levels: Uint8Array.from(levels) },
    clinicalInputWidth: any('clinical') ? CLINICAL_WIDTH : 0,
    expressionInputWidth: any('expression') ? EXPRESSION_WIDTH : null,
    inventory: {
      patients,
      series: count / slicesPerPatient,
      slices: count,
      nonHounsfieldSeries: 0,
      clinical: made.filter(({ clinical }) => clinical !== null).length,
      expression: made.filter(({ expression }) => expression !== null).length,
      linked: patients,
      heldOut: made.filter(({ heldOut }) => heldOut).length,
    },
    quarantine: {},
    notes: [],
  };
}
