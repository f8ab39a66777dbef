import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { KeyedHash } from '../keyed-hash.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { chooseInputs } from './choose-inputs.ts';
import { type ClinicalInput, inputWidth } from './clinical-input.ts';
import type { ClinicalTable } from './clinical-table.ts';
import { encodeRow } from './encode-row.ts';
import { plannedInputs } from './planned-inputs.ts';

export interface ClinicalVectors {
  readonly width: number;
  /** Patients with at least one usable value. */
  readonly vectors: ReadonlyMap<KeyedHash, Float32Array>;
  readonly numeric: number;
  readonly categorical: number;
  /** Names, from the plan, of fields that the table does not have. */
  readonly absent: readonly string[];
}

/** Turns the table into input vectors, with columns and statistics decided on the training patients. */
export function clinicalInputs(
  table: ClinicalTable,
  {
    plan,
    training,
    quarantine,
  }: { plan: Pick<StudyPlan, 'clinical' | 'evaluation'>; training: ReadonlySet<KeyedHash>; quarantine: Quarantine },
): ClinicalVectors {
  const { headings, rows, decimalComma } = table;
  const trainingRows = [...rows].filter(([key]) => training.has(key)).map(([, row]) => row);
  const source = { headings, training: trainingRows, decimalComma };
  const taskColumns = plan.evaluation.tasks.flatMap((task) => task.columns);
  const { fields, excludeColumns } = plan.clinical;
  const planned = fields === 'auto' ? null : plannedInputs(source, { fields, exclude: taskColumns });
  const inputs: readonly ClinicalInput[] =
    planned?.inputs ?? chooseInputs(source, { exclude: [...taskColumns, ...excludeColumns] });
  const vectors = new Map<KeyedHash, Float32Array>();
  for (const [key, row] of rows) {
    const vector = encodeRow(row, { inputs, decimalComma, quarantine });
    if (vector !== null) vectors.set(key, vector);
  }
  return {
    width: inputs.reduce((sum, input) => sum + inputWidth(input), 0),
    vectors,
    numeric: inputs.filter(({ kind }) => kind === 'numeric').length,
    categorical: inputs.filter(({ kind }) => kind === 'categorical').length,
    absent: planned?.absent ?? [],
  };
}
