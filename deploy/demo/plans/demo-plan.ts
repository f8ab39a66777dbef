/** The plan of the demo's synthetic hospitals. Unlike for a folder of real ones, nobody has to look into their tables. */
import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { defaultHospitals } from '../hospitals/default-hospitals.ts';
import { diseases } from '../hospitals/diseases.ts';
import { studyGenes } from '../hospitals/study-genes.ts';
import { trainingSettings } from './training-settings.ts';

const clinicalColumns = defaultHospitals.flatMap(({ clinical }) => clinical.columns);

export function demoPlan({ quick, sites }: { quick: boolean; sites: number }): StudyPlan {
  return StudyPlan.parse({
    format: 'wardround-study/1',
    name: quick ? 'demo-quick' : 'demo',
    description:
      'Slice pretraining and cross-modal alignment across three synthetic hospitals, each with its own scanner, tables and gaps.',
    seed: 7,
    ...trainingSettings({ quick, sites }),
    clinical: {
      fields: 'auto',
      excludeColumns: [
        ...new Set(clinicalColumns.filter(({ kind }) => kind === 'visit-date').map(({ heading }) => heading)),
      ],
    },
    expression: { genes: [...studyGenes] },
    evaluation: {
      heldOutFraction: 0.4,
      tasks: diseases.map((disease) => {
        const outcomes = clinicalColumns.filter((column) => column.kind === 'outcome' && column.disease === disease);
        const each = <Value>(pick: (column: (typeof outcomes)[number]) => Value) => [...new Set(outcomes.map(pick))];
        return {
          name: disease,
          columns: each(({ heading }) => heading),
          positive: each((column) => (column.kind === 'outcome' ? column.positive : '')),
          negative: each((column) => (column.kind === 'outcome' ? column.negative : '')),
        };
      }),
      fewShot: { shots: [1, 5, 10], seeds: 5 },
      minimumPatients: 10,
      trainAlone: true,
    },
  });
}
