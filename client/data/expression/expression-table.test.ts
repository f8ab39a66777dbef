import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createQuarantine } from '../quarantine/quarantine.ts';
import { isMissing } from '../tables/missing.ts';
import { readExpressionTable } from './expression-table.ts';

const folder = mkdtempSync(join(tmpdir(), 'wardround-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const keyOf = (id: string) => (isMissing(id) ? null : id.trim().toLowerCase());

async function read(content: string, genes: string[] | null = ['TP53', 'EGFR', 'KRAS'], known: string[] = []) {
  const path = join(folder, 'expression.tsv');
  writeFileSync(path, content);
  const quarantine = createQuarantine();
  const table = await readExpressionTable(path, { genes, quarantine, keyOf, known: new Set(known) });
  const profiles = Object.fromEntries([...table.profiles].map(([key, values]) => [key, [...values]]));
  return { ...table, profiles, counts: quarantine.counts() };
}

const both = { r1: [1, 2, 3], r2: [4, 5, 6] };

describe('readExpressionTable()', () => {
  test.each([
    ['genes as rows', 'gene\tR1\tR2\nEGFR\t2\t5\nTP53\t1\t4\nKRAS\t3\t6\n'],
    ['genes as columns', 'patient_id\tKRAS\tEGFR\tTP53\nR1\t3\t2\t1\nR2\t6\t5\t4\n'],
    ['commas and quotes', '"gene","R1","R2"\n"EGFR","2","5"\n"TP53","1","4"\n"KRAS","3","6"\n'],
    ["R's missing corner, genes as rows", 'R1\tR2\nEGFR\t2\t5\nTP53\t1\t4\nKRAS\t3\t6\n'],
    ["R's missing corner, genes as columns", 'KRAS\tEGFR\tTP53\nR1\t3\t2\t1\nR2\t6\t5\t4\n'],
    ['an id column in the middle', 'KRAS\tid\tEGFR\tTP53\n3\tR1\t2\t1\n6\tR2\t5\t4\n'],
    ['Ensembl versions and appended ids', 'gene\tR1\tR2\negfr|1956\t2\t5\nTp53|7157\t1\t4\nKRAS|3845\t3\t6\n'],
    [
      'columns that describe genes',
      'gene_id\tgene_name\tgene_type\tR1\tR2\n1\tEGFR\tpc\t2\t5\n2\tTP53\tpc\t1\t4\n3\tKRAS\tpc\t3\t6\n',
    ],
    ['genes outside the plan', 'gene\tR1\tR2\nMYC\t9\t9\nEGFR\t2\t5\nTP53\t1\t4\nKRAS\t3\t6\nALK\tx\ty\n'],
    ['remarks', '#version 1\ngene\tR1\tR2\nEGFR\t2\t5\n\nTP53\t1\t4\nKRAS\t3\t6\n'],
  ])('reads %s', async (_, content) => {
    const { profiles, counts, planGenesFound } = await read(content);
    expect(profiles).toEqual(both);
    expect(counts).toEqual({});
    expect(planGenesFound).toBe(3);
  });

  test('compares Ensembl ids without their version', async () => {
    const { profiles } = await read('gene\tR1\nENSG00000141510.16\t7\n', ['ENSG00000141510']);
    expect(profiles).toEqual({ r1: [7] });
  });

  test('averages a gene that occurs more than once', async () => {
    const { profiles } = await read('gene\tR1\tR2\nTP53\t1\t\nTP53\t2\t8\nTP53\t6\t10\n', ['TP53']);
    expect(profiles).toEqual({ r1: [3], r2: [9] });
    expect((await read('id\tTP53\tTP53\nR1\t2\t4\n', ['TP53'])).profiles).toEqual({ r1: [3] });
  });

  test('has no value for genes that the table lacks', async () => {
    const { profiles, planGenesFound } = await read('gene\tR1\nTP53\t1\nKRAS\t3\n');
    expect(profiles).toEqual({ r1: [1, Number.NaN, 3] });
    expect(planGenesFound).toBe(2);
  });

  test('keeps the width of a plan that spells a gene in two ways', async () => {
    const { profiles } = await read('gene\tR1\nTP53\t1\nEGFR\t2\n', ['tp53', 'EGFR', 'TP53']);
    expect(profiles['r1']).toHaveLength(3);
  });

  test('counts cells that are no numbers, and not empty ones', async () => {
    const { profiles, counts } = await read('gene\tR1\tR2\nTP53\tlow\t1\nEGFR\t2\tNA\nKRAS\t3\t3\n');
    expect(profiles).toEqual({ r1: [Number.NaN, 2, 3], r2: [1, Number.NaN, 3] });
    expect(counts).toEqual({ 'expression-cell-not-a-number': 1 });
  });

  test('leaves out a profile with less than half of the genes', async () => {
    const { profiles, counts } = await read('gene\tR1\tR2\tR3\nTP53\t1\t1\t\nEGFR\t2\t\t\nKRAS\t3\t\t\n');
    expect(Object.keys(profiles)).toEqual(['r1']);
    expect(counts).toEqual({ 'expression-patient-unusable': 2 });
  });

  test('counts patients without id and patients seen before', async () => {
    const rows = await read('gene\tR1\tR1\tN/A\nTP53\t1\t9\t9\nEGFR\t2\t9\t9\nKRAS\t3\t9\t9\n');
    expect(rows.profiles).toEqual({ r1: [1, 2, 3] });
    expect(rows.counts).toEqual({ 'expression-patient-without-id': 1, 'expression-patient-duplicate': 1 });
    const columns = await read('id\tTP53\tEGFR\tKRAS\nR1\t1\t2\t3\nr1\t9\t9\t9\n\t9\t9\t9\n');
    expect(columns.profiles).toEqual({ r1: [1, 2, 3] });
    expect(columns.counts).toEqual(rows.counts);
  });

  test('counts rows with another number of cells', async () => {
    const { profiles, counts } = await read('gene\tR1\tR2\nEGFR\t2\t5\nTP53\t1\nKRAS\t3\t6\n');
    expect(profiles).toEqual({ r1: [Number.NaN, 2, 3], r2: [Number.NaN, 5, 6] });
    expect(counts).toEqual({ 'expression-row-damaged': 1 });
  });

  test('only counts when no plan names genes, telling rows from columns by the known patients', async () => {
    const rows = await read('symbols\tR1\tR2\nEGFR\t2\t5\nTP53\t1\t4\n', null, ['r2']);
    expect(rows).toMatchObject({ profiles: { r1: [], r2: [] }, genesInTable: 2, planGenesFound: 0 });
    const columns = await read('case\tEGFR\tTP53\tMYC\nR1\t2\t5\t1\nR2\t1\t4\t1\n', null, ['r2']);
    expect(columns).toMatchObject({ profiles: { r1: [], r2: [] }, genesInTable: 3 });
  });

  test.each([
    ['nothing', '', 'could not be read'],
    ['one column', 'gene\nTP53\n', 'could not be read'],
    ['other genes', 'gene\tR1\nMYC\t1\n', "none of the plan's genes"],
  ])('refuses %s', async (_, content, message) => {
    await expect(read(content)).rejects.toThrow(message);
  });

  test('names no path when there is no file', async () => {
    const reading = readExpressionTable(join(folder, 'SECRET', 'x.tsv'), {
      genes: ['TP53'],
      quarantine: createQuarantine(),
      keyOf,
      known: new Set(),
    });
    await expect(reading).rejects.toThrow(
      /^The expression table could not be read as a table of genes and patients\.$/,
    );
  });

  test('ends with the reason of an abort', async () => {
    const path = join(folder, 'expression.tsv');
    writeFileSync(path, 'gene\tR1\nTP53\t1\n');
    const options = { genes: ['TP53'], quarantine: createQuarantine(), keyOf, known: new Set<string>() };
    const reason = new Error('withdrawn');
    await expect(readExpressionTable(path, { ...options, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
