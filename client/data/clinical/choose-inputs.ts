/**
 * Which columns become inputs when the plan says `auto`. Decided on the training patients only. A column is
 *
 * - left out when it belongs to an evaluation task or is excluded by the plan, when an earlier column has the same heading,
 *   when its heading or values are dates or identifiers, when fewer than 20 % of the patients have a value, or when all
 *   values are the same;
 * - numeric when at least 80 % of its values are numbers;
 * - categorical when it has 2 to 12 different values, compared without regard to case;
 * - free text, and left out, otherwise.
 */
import { isDateHeading, isIdentifierHeading, sameHeading } from '../tables/headings.ts';
import { isMissing } from '../tables/missing.ts';
import { parseNumber } from '../tables/parse-number.ts';
import { type ClinicalInput, spelling } from './clinical-input.ts';
import { numericInput } from './numeric-input.ts';

export interface ColumnSource {
  readonly headings: readonly string[];
  /** The training patients' rows. */
  readonly training: readonly (readonly string[])[];
  readonly decimalComma: boolean;
}

const LEAST_PRESENT = 0.2;
const LEAST_NUMBERS = 0.8;
const MOST_CATEGORIES = 12;
const LEAST_DATES = 0.8;

const DATE_FORMS = [
  /^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([ T].*)?$/,
  /^\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}( .*)?$/,
  /^(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/,
  /^\d{1,2}[- ][a-z]{3,9}[- ]\d{2,4}$/i,
  /^[a-z]{3,9} \d{1,2},? \d{4}$/i,
];

function areDates(values: readonly string[]): boolean {
  const dates = values.filter((value) => DATE_FORMS.some((form) => form.test(value.trim())));
  return dates.length >= LEAST_DATES * values.length;
}

/** Record numbers: many whole numbers of six digits or more, no two alike. */
function areRecordNumbers(numbers: readonly number[]): boolean {
  return (
    numbers.length >= 10 &&
    new Set(numbers).size === numbers.length &&
    numbers.every((value) => Number.isInteger(value) && Math.abs(value) >= 100_000)
  );
}

function chooseInput(column: number, { headings, training, decimalComma }: ColumnSource): ClinicalInput | null {
  const heading = headings[column]!;
  const repeated = headings.slice(0, column).some((earlier) => sameHeading(earlier, heading));
  if (repeated || isDateHeading(heading) || isIdentifierHeading(heading)) return null;
  const present = training.map((row) => row[column] ?? '').filter((cell) => !isMissing(cell));
  if (present.length === 0 || present.length < LEAST_PRESENT * training.length || areDates(present)) return null;
  const spellings = [...new Set(present.map(spelling))].sort();
  if (spellings.length < 2) return null;
  const numbers = present.map((cell) => parseNumber(cell, { decimalComma })).filter((value) => value !== null);
  if (numbers.length >= LEAST_NUMBERS * present.length) {
    return areRecordNumbers(numbers) || new Set(numbers).size < 2 ? null : numericInput(column, numbers);
  }
  if (spellings.length > MOST_CATEGORIES) return null;
  return {
    kind: 'categorical',
    column,
    spellings: new Map(spellings.map((value, index) => [value, index])),
    categories: spellings.length,
  };
}

/** @param exclude headings of evaluation tasks and those the plan excludes */
export function chooseInputs(source: ColumnSource, { exclude }: { exclude: readonly string[] }): ClinicalInput[] {
  return [...source.headings.keys()]
    .filter((column) => !exclude.some((heading) => sameHeading(heading, source.headings[column]!)))
    .map((column) => chooseInput(column, source))
    .filter((input) => input !== null);
}
