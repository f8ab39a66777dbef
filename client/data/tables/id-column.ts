import type { KeyedHash } from '../keyed-hash.ts';
import { isIdHeading } from './headings.ts';

export interface IdColumnOptions {
  /** The key of a cell, or null when it is empty. */
  readonly keyOf: (cell: string) => KeyedHash | null;
  /** Patients known from the images. */
  readonly known: ReadonlySet<KeyedHash>;
}

/**
 * Which column names the patients: of those with an id's heading the one that knows most of the imaged patients; without
 * such a heading the first column.
 */
export function idColumn(
  { headings, rows }: { headings: readonly string[]; rows: readonly (readonly string[])[] },
  { keyOf, known }: IdColumnOptions,
): number {
  const matches = (column: number) => {
    const keys = new Set(rows.map((row) => keyOf(row[column] ?? '')));
    return [...keys].filter((key) => key !== null && known.has(key)).length;
  };
  const named = [...headings.keys()].filter((column) => isIdHeading(headings[column]!));
  if (named.length < 2) return named[0] ?? 0;
  const ranked = named.map((column) => ({ column, found: matches(column) }));
  return ranked.reduce((best, candidate) => (candidate.found > best.found ? candidate : best)).column;
}
