/** One clinical column as numbers: how a cell becomes part of the input vector. */

export interface NumericInput {
  readonly kind: 'numeric';
  readonly column: number;
  /** Of the training patients. */
  readonly mean: number;
  /** Of the training patients; 0 when they do not differ, and then the input is 0 too. */
  readonly standardDeviation: number;
}

export interface CategoricalInput {
  readonly kind: 'categorical';
  readonly column: number;
  /** Spelling (trimmed, lower case) -> which category it is. */
  readonly spellings: ReadonlyMap<string, number>;
  readonly categories: number;
}

export type ClinicalInput = NumericInput | CategoricalInput;

/** How many numbers the input takes: the value or one per category, then one that says whether the cell is missing. */
export function inputWidth(input: ClinicalInput): number {
  return (input.kind === 'numeric' ? 1 : input.categories) + 1;
}

/** How a category is compared. */
export function spelling(cell: string): string {
  return cell.trim().toLowerCase();
}
