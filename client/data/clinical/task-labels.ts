import type { EvaluationTask } from '@wardround/protocols/study/plan.ts';
import { parseNumber } from '../tables/parse-number.ts';
import { spelling } from './clinical-input.ts';
import { columnOf } from './planned-inputs.ts';

export type Labels = Readonly<Record<string, 0 | 1 | null>>;

/** Spellings are equal without regard to case and blanks, and `1` is `1.0`. */
function sameSpelling(a: string, b: string): boolean {
  if (spelling(a) === spelling(b)) return true;
  const number = parseNumber(a, { decimalComma: false });
  return number !== null && number === parseNumber(b, { decimalComma: false });
}

/** The labels of a patient without a clinical row. */
export function noLabels(tasks: readonly EvaluationTask[]): Labels {
  return Object.fromEntries(tasks.map((task) => [task.name, null]));
}

/** A patient's label in each evaluation task; null when the cell is neither a positive nor a negative spelling. */
export function taskLabels(
  row: readonly string[],
  { tasks, headings }: { tasks: readonly EvaluationTask[]; headings: readonly string[] },
): Labels {
  return Object.fromEntries(
    tasks.map((task) => {
      const cell = row[columnOf(headings, task.columns)];
      if (cell === undefined) return [task.name, null];
      if (task.positive.some((word) => sameSpelling(word, cell))) return [task.name, 1];
      return [task.name, task.negative.some((word) => sameSpelling(word, cell)) ? 0 : null];
    }),
  );
}
