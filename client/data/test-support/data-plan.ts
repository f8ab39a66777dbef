import type { DataPlan } from '../read-site.ts';

/** A plan's data part for tests: 32 px slices, clinical columns chosen automatically, three genes, one task. */
export function dataPlan(change: Partial<DataPlan> = {}): DataPlan {
  return {
    seed: 7,
    imaging: { sizePixels: 32, windowHounsfield: { low: -1000, high: 400 }, maximumSlicesPerPatient: 16 },
    clinical: { fields: 'auto', excludeColumns: [] },
    expression: { genes: ['TP53', 'EGFR', 'KRAS'] },
    evaluation: {
      heldOutFraction: 0.25,
      tasks: [{ name: 'response', columns: ['Response'], positive: ['yes'], negative: ['no'] }],
      fewShot: { shots: [1], seeds: 1 },
      minimumPatients: 2,
      trainAlone: false,
    },
    ...change,
  };
}
