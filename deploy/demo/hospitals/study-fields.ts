/** What the plan of a study over the demo's hospitals says of their data. */
import type { EvaluationTask, StudyPlan } from '@wardround/protocols/study/plan.ts';
import { defaultHospitals } from './default-hospitals.ts';
import type { Disease } from './diseases.ts';
import { diseases } from './diseases.ts';
import { studyGenes } from './study-genes.ts';
import type { ClinicalColumn } from './tables/clinical-table.ts';

export interface DemoPlanFields {
  windowHounsfield: StudyPlan['imaging']['windowHounsfield'];
  /** `auto`, because the hospitals' columns, units and spellings differ; what is left out are dates and remarks. */
  clinical: StudyPlan['clinical'];
  expression: NonNullable<StudyPlan['expression']>;
  tasks: EvaluationTask[];
}

export function demoPlanFields(): DemoPlanFields {
  const columns = defaultHospitals.flatMap((hospital) => hospital.clinical.columns);
  const without = columns.filter(({ kind }) => kind === 'visit-date' || kind === 'remark');
  return {
    // A lung window: all the diseases show in the lungs, and soft tissue need only be bright.
    windowHounsfield: { low: -1050, high: -100 },
    clinical: { fields: 'auto', excludeColumns: distinct(without.map(({ heading }) => heading)) },
    expression: { genes: [...studyGenes] },
    tasks: diseases.map((disease) => taskOf(disease, columns)),
  };
}

function taskOf(disease: Disease, columns: readonly ClinicalColumn[]): EvaluationTask {
  const outcomes = columns.filter((column) => column.kind === 'outcome').filter((column) => column.disease === disease);
  return {
    name: disease,
    columns: distinct(outcomes.map(({ heading }) => heading)),
    positive: distinct(outcomes.map(({ positive }) => positive)),
    negative: distinct(outcomes.map(({ negative }) => negative)),
  };
}

const distinct = (values: readonly string[]) => [...new Set(values)];
