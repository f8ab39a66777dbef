/**
 * The expression table, line by line, with genes as rows or as columns. Only the plan's genes are kept, in the plan's
 * order. A gene that occurs more than once is averaged; a gene the table lacks has no value anywhere.
 */
import type { KeyedHash } from '../keyed-hash.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { UnusableError } from '../quarantine/unusable-error.ts';
import { type Delimiter, delimiterOf } from '../tables/delimiter.ts';
import { isIdHeading } from '../tables/headings.ts';
import type { IdColumnOptions } from '../tables/id-column.ts';
import { isMissing } from '../tables/missing.ts';
import { parseNumber } from '../tables/parse-number.ts';
import { readLines } from '../tables/read-lines.ts';
import { splitLine } from '../tables/split-line.ts';
import { geneName, isGeneColumn } from './gene-names.ts';

export interface ExpressionTable {
  /** [genes of the plan]; NaN where there is no value. Without a plan the profiles are empty. */
  readonly profiles: ReadonlyMap<KeyedHash, Float32Array>;
  /** Different genes in the table. */
  readonly genesInTable: number;
  /** How many of the plan's genes the table has. */
  readonly planGenesFound: number;
}

export interface ExpressionOptions extends IdColumnOptions {
  /** The plan's genes; null only counts. */
  readonly genes: readonly string[] | null;
  readonly quarantine: Quarantine;
  readonly signal?: AbortSignal | undefined;
}

const LONGEST_LINE_CHARACTERS = 32 * 1024 * 1024;
/** An empty line, or a remark without cells. */
const COMMENT = /^\s*(#[^\t,;|]*)?$/;
/** A row's gene is looked for in its first cells: some tables put an accession number before the symbol. */
const GENE_CELLS = 3;
const LEAST_VALUES = 0.5;

interface Reading {
  readonly options: ExpressionOptions;
  readonly heading: readonly string[];
  readonly delimiter: Delimiter;
  readonly planIndex: ReadonlyMap<string, number>;
  readonly profiles: Map<KeyedHash, Profile>;
  /** Genes of the table, by name. */
  readonly genes: Set<string>;
  /** The plan's genes that occurred. */
  readonly seen: Set<number>;
}

interface Layout {
  /** Adds the cells of a line; says whether the line was whole. */
  add(cells: readonly string[]): boolean;
}

/** A profile while the table is read: a gene may occur more than once. */
interface Profile {
  /** [genes of the plan] */
  readonly sums: Float32Array;
  /** How many values were added. */
  readonly counts: Uint16Array;
}

function emptyProfile({ options }: Reading): Profile {
  const genes = options.genes?.length ?? 0;
  return { sums: new Float32Array(genes), counts: new Uint16Array(genes) };
}

function addValue({ sums, counts }: Profile, gene: number, value: number): void {
  if (Number.isNaN(value)) return;
  sums[gene]! += value;
  counts[gene]! += 1;
}

function cellValue(cell: string, { options, delimiter }: Reading): number {
  const value = parseNumber(cell, { decimalComma: delimiter !== ',' });
  if (value !== null) return value;
  if (!isMissing(cell)) options.quarantine.add('expression-cell-not-a-number');
  return Number.NaN;
}

/** A key for each heading that names a new patient. */
function patientColumns({ heading, options }: Reading, first: number): (KeyedHash | null)[] {
  const taken = new Set<KeyedHash>();
  return heading.map((text, column) => {
    if (column < first || isGeneColumn(text)) return null;
    const key = options.keyOf(text);
    if (key === null) options.quarantine.add('expression-patient-without-id');
    else if (taken.has(key)) options.quarantine.add('expression-patient-duplicate');
    else {
      taken.add(key);
      return key;
    }
    return null;
  });
}

/** How many more cells a line has than the heading: R writes none over the row names, which shifts the headings by one. */
function shiftOf(cells: readonly string[], heading: readonly string[]): 0 | 1 | null {
  const shift = cells.length - heading.length;
  return shift === 0 || shift === 1 ? shift : null;
}

function genesAsRows(reading: Reading): Layout {
  const { planIndex, profiles, genes, seen, heading } = reading;
  let targets: (Profile | null)[] = [];
  let usual: number | null = null;
  const begin = (shift: 0 | 1) => {
    usual = shift;
    targets = patientColumns(reading, 1 - shift).map((key) => {
      if (key === null) return null;
      const profile = emptyProfile(reading);
      profiles.set(key, profile);
      return profile;
    });
  };
  return {
    add: (cells) => {
      const shift = shiftOf(cells, heading);
      if (shift !== null && usual === null) begin(shift);
      if (shift === null || shift !== usual) return false;
      const names = cells.slice(0, GENE_CELLS).map(geneName);
      const known = names.find((name) => planIndex.has(name));
      genes.add(known ?? names[0]!);
      if (known === undefined) return true;
      const gene = planIndex.get(known)!;
      seen.add(gene);
      for (const [column, target] of targets.entries()) {
        if (target !== null) addValue(target, gene, cellValue(cells[column + shift]!, reading));
      }
      return true;
    },
  };
}

function genesAsColumns(reading: Reading): Layout {
  const { planIndex, profiles, genes, seen, options, heading } = reading;
  let targets: { column: number; gene: number }[] = [];
  let usual: number | null = null;
  let id = 0;
  const begin = (shift: 0 | 1) => {
    usual = shift;
    id = shift === 1 ? 0 : Math.max(heading.findIndex(isIdHeading), 0);
    targets = heading.flatMap((text, index) => {
      const column = index + shift;
      const name = geneName(text);
      const gene = planIndex.get(name);
      if (column === id) return [];
      genes.add(name);
      if (gene === undefined) return [];
      seen.add(gene);
      return [{ column, gene }];
    });
  };
  return {
    add: (cells) => {
      const shift = shiftOf(cells, heading);
      if (shift !== null && usual === null) begin(shift);
      if (shift === null || shift !== usual) return false;
      const key = options.keyOf(cells[id]!);
      if (key === null || profiles.has(key)) {
        options.quarantine.add(key === null ? 'expression-patient-without-id' : 'expression-patient-duplicate');
        return true;
      }
      const profile = emptyProfile(reading);
      for (const { column, gene } of targets) addValue(profile, gene, cellValue(cells[column]!, reading));
      profiles.set(key, profile);
      return true;
    },
  };
}

/** Genes are columns when the headings are genes of the plan; without a plan, when no heading is a known patient. */
function chooseLayout(reading: Reading): Layout {
  const { heading, planIndex, options } = reading;
  if (planIndex.size > 0) {
    return heading.some((text) => planIndex.has(geneName(text))) ? genesAsColumns(reading) : genesAsRows(reading);
  }
  const patients = heading.some((text) => options.known.has(options.keyOf(text) ?? ''));
  return patients || isGeneColumn(heading[0] ?? '') ? genesAsRows(reading) : genesAsColumns(reading);
}

/** The means, without the profiles that have a value for too few of the genes that the table has. */
function finish({ profiles, seen, planIndex, options }: Reading): Map<KeyedHash, Float32Array> {
  const finished = new Map<KeyedHash, Float32Array>();
  for (const [key, { sums, counts }] of profiles) {
    const values = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
    if (planIndex.size > 0 && (values === 0 || values < LEAST_VALUES * seen.size)) {
      options.quarantine.add('expression-patient-unusable');
      continue;
    }
    finished.set(
      key,
      sums.map((sum, gene) => (counts[gene] === 0 ? Number.NaN : sum / counts[gene]!)),
    );
  }
  return finished;
}

/**
 * @throws {UnusableError} `expression-table-unreadable` or `expression-table-without-plan-genes`; the signal's reason.
 */
export async function readExpressionTable(path: string, options: ExpressionOptions): Promise<ExpressionTable> {
  const { genes: plan, quarantine, signal } = options;
  const planIndex = new Map((plan ?? []).map((gene, index) => [geneName(gene), index]));
  let reading: Reading | undefined;
  let layout: Layout | undefined;
  try {
    for await (const line of readLines(path, { mostCharacters: LONGEST_LINE_CHARACTERS, signal })) {
      if (line !== null && COMMENT.test(line)) continue;
      if (reading === undefined || layout === undefined) {
        if (line === null) break;
        const delimiter = delimiterOf(line);
        const heading = splitLine(line, delimiter);
        if (heading.length < 2) break;
        const collected = { profiles: new Map(), genes: new Set<string>(), seen: new Set<number>() };
        reading = { options, heading, delimiter, planIndex, ...collected };
        layout = chooseLayout(reading);
      } else if (line === null || !layout.add(splitLine(line, reading.delimiter)))
        quarantine.add('expression-row-damaged');
    }
  } catch (error) {
    signal?.throwIfAborted();
    // What the file system says names the path.
    if (error instanceof Error && 'syscall' in error) throw new UnusableError('expression-table-unreadable');
    throw error;
  }
  if (reading === undefined) throw new UnusableError('expression-table-unreadable');
  const planGenesFound = reading.seen.size;
  if (plan !== null && planGenesFound === 0) throw new UnusableError('expression-table-without-plan-genes');
  return { profiles: finish(reading), genesInTable: reading.genes.size, planGenesFound };
}
