/** The clinical table as text by patient: one row each, ids replaced by keys. */
import { readFile, stat } from 'node:fs/promises';
import { CsvError, parse } from 'csv-parse/sync';
import type { KeyedHash } from '../keyed-hash.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { UnusableError } from '../quarantine/unusable-error.ts';
import { decodeText } from '../tables/decode-text.ts';
import { type Delimiter, delimiterOf } from '../tables/delimiter.ts';
import { type IdColumnOptions, idColumn } from '../tables/id-column.ts';
import { isMissing } from '../tables/missing.ts';

export interface ClinicalTable {
  /** All but the id column. */
  readonly headings: readonly string[];
  /** Cells in the order of the headings; short rows are filled with empty cells. */
  readonly rows: ReadonlyMap<KeyedHash, readonly string[]>;
  /** Whether `12,5` is a number here. */
  readonly decimalComma: boolean;
  /** False when the table was not UTF-8. */
  readonly unicode: boolean;
}

const LARGEST_TABLE_BYTES = 128 * 1024 * 1024;
const LONGEST_ROW_CHARACTERS = 1024 * 1024;
const MOST_COLUMNS = 20_000;

/** A spreadsheet's hint in the first line, as in `sep=;`. */
const SEPARATOR_HINT = /^sep=(.)\r?\n/i;

interface SplitTable {
  readonly records: string[][];
  readonly damaged: number;
}

function split(text: string, { delimiter, quotes }: { delimiter: Delimiter; quotes: boolean }): SplitTable {
  let damaged = 0;
  const records = parse(text, {
    bom: true,
    delimiter,
    quote: quotes ? '"' : null,
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: LONGEST_ROW_CHARACTERS,
    on_skip: () => {
      damaged += 1;
      return undefined;
    },
  }) as string[][];
  return { records, damaged };
}

/** A quotation mark that is never closed would swallow the rest of the table, so then the marks are taken as letters. */
function splitLeniently(text: string, delimiter: Delimiter): SplitTable {
  try {
    const table = split(text, { delimiter, quotes: true });
    if (table.damaged === 0) return table;
    const plain = split(text, { delimiter, quotes: false });
    return plain.records.length > table.records.length ? { ...plain, damaged: Math.max(plain.damaged, 1) } : table;
  } catch (error) {
    if (!(error instanceof CsvError)) throw new UnusableError('clinical-table-unreadable');
    return { ...split(text, { delimiter, quotes: false }), damaged: 1 };
  }
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size <= LARGEST_TABLE_BYTES) return await readFile(path);
  } catch {
    // What the file system says names the path.
  }
  throw new UnusableError('clinical-table-unreadable');
}

/**
 * Reads a table separated by commas, semicolons, tabs or bars.
 *
 * @throws {UnusableError} `clinical-table-unreadable` when there is no heading row and at least one more column than the id.
 */
export async function readClinicalTable(
  path: string,
  { quarantine, keyOf, known }: IdColumnOptions & { quarantine: Quarantine },
): Promise<ClinicalTable> {
  const { text: decoded, unicode } = decodeText(await readBytes(path));
  const hint = SEPARATOR_HINT.exec(decoded.replace(/^\uFEFF/, ''));
  const text = hint === null ? decoded : decoded.replace(/^\uFEFF/, '').slice(hint[0].length);
  const delimiter = delimiterOf(/^[^\r\n]*/.exec(text.trimStart())?.[0] ?? '');
  const { records, damaged } = splitLeniently(text, delimiter);
  quarantine.add('clinical-row-damaged', damaged);
  const [headings, ...body] = records;
  if (headings === undefined || headings.length < 2 || headings.length > MOST_COLUMNS) {
    throw new UnusableError('clinical-table-unreadable');
  }
  const id = idColumn({ headings, rows: body }, { keyOf, known });
  const rows = new Map<KeyedHash, string[]>();
  for (const cells of body) {
    if (cells.slice(headings.length).some((cell) => !isMissing(cell))) {
      quarantine.add('clinical-row-too-long');
      continue;
    }
    const key = keyOf(cells[id] ?? '');
    if (key === null) {
      quarantine.add('clinical-row-without-id');
      continue;
    }
    if (rows.has(key)) {
      quarantine.add('clinical-row-duplicate-patient');
      continue;
    }
    if (cells.length < headings.length) quarantine.add('clinical-row-too-short');
    rows.set(
      key,
      headings.map((_, column) => cells[column] ?? '').filter((_, column) => column !== id),
    );
  }
  return {
    headings: headings.filter((_, column) => column !== id).map((heading) => heading.trim()),
    rows,
    decimalComma: delimiter !== ',',
    unicode,
  };
}
