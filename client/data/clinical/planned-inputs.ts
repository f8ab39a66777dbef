import type { ClinicalField } from '@wardround/protocols/study/plan.ts';
import { sameHeading } from '../tables/headings.ts';
import { isMissing } from '../tables/missing.ts';
import { parseNumber } from '../tables/parse-number.ts';
import type { ColumnSource } from './choose-inputs.ts';
import { type ClinicalInput, spelling } from './clinical-input.ts';
import { numericInput } from './numeric-input.ts';

export interface PlannedInputs {
  readonly inputs: readonly ClinicalInput[];
  /** Names, from the plan, of the fields that this table does not have. */
  readonly absent: readonly string[];
}

/** The column a field is read from: its first heading that the table has. */
export function columnOf(headings: readonly string[], candidates: readonly string[]): number {
  for (const candidate of candidates) {
    const column = headings.findIndex((heading) => sameHeading(heading, candidate));
    if (column >= 0) return column;
  }
  return -1;
}

/** The plan's fields in the plan's order; a column of an evaluation task is no input even when the plan names it. */
export function plannedInputs(
  { headings, training, decimalComma }: ColumnSource,
  { fields, exclude }: { fields: readonly ClinicalField[]; exclude: readonly string[] },
): PlannedInputs {
  const inputs: ClinicalInput[] = [];
  const absent: string[] = [];
  for (const field of fields) {
    const column = columnOf(headings, field.columns);
    if (column < 0 || exclude.some((heading) => sameHeading(heading, headings[column]!))) {
      absent.push(field.name);
      continue;
    }
    if (field.kind === 'numeric') {
      const cells = training.map((row) => row[column] ?? '').filter((cell) => !isMissing(cell));
      const numbers = cells.map((cell) => parseNumber(cell, { decimalComma })).filter((value) => value !== null);
      inputs.push(numericInput(column, numbers));
      continue;
    }
    const categories = Object.values(field.categories);
    const spellings = new Map(
      categories.flatMap((words, index) => words.map((word) => [spelling(word), index] as const)),
    );
    inputs.push({ kind: 'categorical', column, spellings, categories: categories.length });
  }
  return { inputs, absent };
}
