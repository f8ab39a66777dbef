import { describe, expect, test } from 'vitest';
import { createQuarantine } from '../quarantine/quarantine.ts';
import { clinicalInputs } from './clinical-inputs.ts';
import type { ClinicalTable } from './clinical-table.ts';

type Plan = Parameters<typeof clinicalInputs>[1]['plan'];

const evaluation: Plan['evaluation'] = {
  heldOutFraction: 0.25,
  tasks: [],
  fewShot: { shots: [], seeds: 1 },
  minimumPatients: 10,
  trainAlone: false,
};

/** A table of columns by heading; patients are called 0, 1, 2, … and the last `heldOut` do not train. */
function encode(
  columns: Record<string, readonly string[]>,
  {
    plan = {},
    heldOut = 0,
    decimalComma = false,
  }: { plan?: Partial<Plan>; heldOut?: number; decimalComma?: boolean } = {},
) {
  const headings = Object.keys(columns);
  const patients = Math.max(...Object.values(columns).map((cells) => cells.length));
  const rows = new Map(
    Array.from({ length: patients }, (_, patient) => [
      String(patient),
      headings.map((heading) => columns[heading]![patient] ?? ''),
    ]),
  );
  const table: ClinicalTable = { headings, rows, decimalComma, unicode: true };
  const quarantine = createQuarantine();
  const training = new Set([...rows.keys()].slice(0, patients - heldOut));
  const full = { clinical: { fields: 'auto' as const, excludeColumns: [] }, evaluation, ...plan };
  const { vectors, ...others } = clinicalInputs(table, { plan: full, training, quarantine });
  const numbers = Object.fromEntries(
    [...vectors].map(([key, vector]) => [key, Array.from(vector, (value) => Number(value.toFixed(4)))]),
  );
  return { ...others, vectors: numbers, counts: quarantine.counts() };
}

describe('clinicalInputs() with automatic columns', () => {
  test('standardises numbers and marks missing ones', () => {
    const { width, vectors } = encode({ Age: ['60', '70', '80', 'N/A'] });
    expect(width).toBe(2);
    expect(vectors).toEqual({ 0: [-1.2247, 0], 1: [0, 0], 2: [1.2247, 0] });
  });

  test('keeps a patient who lacks one value of several', () => {
    const { vectors } = encode({ Age: ['60', '70', '80', 'N/A'], Sex: ['M', 'F', 'm', 'F'] });
    expect(vectors[3]).toEqual([0, 1, 1, 0, 0]);
    expect(vectors[2]).toEqual([1.2247, 0, 0, 1, 0]);
  });

  test('takes statistics and categories from training patients only', () => {
    const { width, vectors, counts } = encode({ Age: ['60', '80', '1000'], Sex: ['M', 'F', 'X'] }, { heldOut: 1 });
    expect(width).toBe(5);
    // 1000 is far off and is cut at 5 standard deviations; X was never seen and counts as missing.
    expect(vectors[2]).toEqual([5, 0, 0, 0, 1]);
    expect(counts).toEqual({ 'clinical-cell-unknown-category': 1 });
  });

  test('counts a bad cell and keeps its row', () => {
    const { vectors, counts } = encode({ Age: ['60', '70', '80', '70', 'seventy'], Sex: ['M', 'F', 'M', 'F', 'M'] });
    expect(vectors[4]).toEqual([0, 1, 0, 1, 0]);
    expect(counts).toEqual({ 'clinical-cell-not-a-number': 1 });
  });

  test('reads decimal commas where they are no separators', () => {
    expect(encode({ Dose: ['1,5', '2,5'] }, { decimalComma: true }).numeric).toBe(1);
    expect(encode({ Dose: ['1,5', '2,5'] }).numeric).toBe(0);
  });

  const people = Array.from({ length: 20 }, (_, index) => index);
  test.each<[string, Record<string, string[]>]>([
    ['dates by value', { Seen: people.map((index) => `${(index % 12) + 1}/20/1992`) }],
    ['dates without separators', { Seen: people.map((index) => `199203${String(index + 10)}`) }],
    ['dates by heading', { 'Date of birth': people.map((index) => String(1940 + index)) }],
    ['record numbers', { Dossier: people.map((index) => String(7_000_000 + 13 * index)) }],
    ['identifiers by heading', { 'Accession No': people.map((index) => String(index)) }],
    ['free text', { Remarks: people.map((index) => `patient ${index} feels well`) }],
    ['a column with one value', { Affiliation: people.map(() => 'Stanford') }],
    [
      'a column that is nearly empty',
      { Weight: people.map((index) => (index < 3 ? String(60 + index) : 'Not Collected')) },
    ],
    ['an empty column', { Weight: people.map(() => '') }],
  ])('leaves out %s', (_, columns) => {
    expect(encode({ ...columns, Sex: people.map((index) => (index % 2 === 0 ? 'M' : 'F')) })).toMatchObject({
      numeric: 0,
      categorical: 1,
    });
  });

  test('leaves out the columns of evaluation tasks and those the plan excludes', () => {
    const plan: Partial<Plan> = {
      clinical: { fields: 'auto', excludeColumns: [' survival STATUS'] },
      evaluation: {
        ...evaluation,
        tasks: [{ name: 'histology', columns: ['Typ', 'Histology'], positive: ['a'], negative: ['b'] }],
      },
    };
    const columns = { Histology: ['a', 'b'], 'Survival Status': ['dead', 'alive'], Sex: ['M', 'F'] };
    expect(encode(columns, { plan })).toMatchObject({ numeric: 0, categorical: 1, width: 3 });
  });

  test('finds nothing in a table without usable columns', () => {
    expect(encode({ Remarks: ['x'] })).toMatchObject({ width: 0, vectors: {} });
  });
});

describe("clinicalInputs() with the plan's fields", () => {
  const fields: Exclude<Plan['clinical']['fields'], 'auto'> = [
    { name: 'age', kind: 'numeric', columns: ['Age at diagnosis', 'age'] },
    {
      name: 'sex',
      kind: 'categorical',
      columns: ['Sex'],
      categories: { female: ['F', 'female'], male: ['M', 'male'] },
    },
    { name: 'stage', kind: 'numeric', columns: ['Stage'] },
  ];
  const plan = { clinical: { fields, excludeColumns: [] } };

  test('reads them in the order and words of the plan and names those that are absent', () => {
    const found = encode({ Sex: ['Male', ' f ', 'diverse', 'unknown'], AGE: ['50', '70', '60'] }, { plan });
    expect(found.absent).toEqual(['stage']);
    expect(found.width).toBe(5);
    expect(found.vectors[0]).toEqual([-1.2247, 0, 0, 1, 0]);
    expect(found.vectors[1]).toEqual([1.2247, 0, 1, 0, 0]);
    expect(found.vectors[2]).toEqual([0, 0, 0, 0, 1]);
    expect(found.counts).toEqual({ 'clinical-cell-unknown-category': 1 });
  });

  test('gives 0 for a number that does not vary', () => {
    expect(encode({ Age: ['50', '50'] }, { plan }).vectors).toEqual({ 0: [0, 0], 1: [0, 0] });
  });

  test('never reads the column of an evaluation task', () => {
    const tasks = [{ name: 'sex', columns: ['sex'], positive: ['F'], negative: ['M'] }];
    const found = encode(
      { Sex: ['M', 'F'], Age: ['1', '2'] },
      { plan: { ...plan, evaluation: { ...evaluation, tasks } } },
    );
    expect(found.absent).toEqual(['sex', 'stage']);
    expect(found.width).toBe(2);
  });
});
