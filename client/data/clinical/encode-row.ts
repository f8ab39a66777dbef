import type { Quarantine } from '../quarantine/quarantine.ts';
import { isMissing } from '../tables/missing.ts';
import { parseNumber } from '../tables/parse-number.ts';
import { type ClinicalInput, inputWidth, type NumericInput, spelling } from './clinical-input.ts';

export interface RowOptions {
  readonly inputs: readonly ClinicalInput[];
  readonly decimalComma: boolean;
  readonly quarantine: Quarantine;
}

/** An outlier (a weight in grams, a year typed as 20007) must not drown every other patient. */
const LARGEST_DEVIATIONS = 5;

function standardise(value: number, { mean, standardDeviation }: NumericInput): number {
  if (standardDeviation < 1e-9) return 0;
  return Math.min(Math.max((value - mean) / standardDeviation, -LARGEST_DEVIATIONS), LARGEST_DEVIATIONS);
}

/** Writes one cell at the start of `target`; says whether it has a value. */
function encodeCell(
  cell: string,
  { input, target, options }: { input: ClinicalInput; target: Float32Array; options: RowOptions },
) {
  const missing = target.length - 1;
  target[missing] = 1;
  if (isMissing(cell) && !(input.kind === 'categorical' && input.spellings.has(spelling(cell)))) return false;
  if (input.kind === 'numeric') {
    const value = parseNumber(cell, options);
    if (value === null) {
      options.quarantine.add('clinical-cell-not-a-number');
      return false;
    }
    target[0] = standardise(value, input);
  } else {
    const category = input.spellings.get(spelling(cell));
    if (category === undefined) {
      options.quarantine.add('clinical-cell-unknown-category');
      return false;
    }
    target[category] = 1;
  }
  target[missing] = 0;
  return true;
}

/**
 * The input vector of one patient: per input its value (standardised, at most 5 standard deviations from the mean) or one
 * number per category, and then 1 when the cell is missing. null when no input has a value.
 */
export function encodeRow(row: readonly string[], options: RowOptions): Float32Array | null {
  const width = options.inputs.reduce((sum, input) => sum + inputWidth(input), 0);
  const vector = new Float32Array(width);
  let offset = 0;
  let present = 0;
  for (const input of options.inputs) {
    const target = vector.subarray(offset, offset + inputWidth(input));
    if (encodeCell(row[input.column] ?? '', { input, target, options })) present += 1;
    offset += target.length;
  }
  return present > 0 ? vector : null;
}
