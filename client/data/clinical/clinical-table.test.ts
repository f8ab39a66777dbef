import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createQuarantine } from '../quarantine/quarantine.ts';
import { isMissing } from '../tables/missing.ts';
import { readClinicalTable } from './clinical-table.ts';

const folder = mkdtempSync(join(tmpdir(), 'wardround-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const keyOf = (id: string) => (isMissing(id) ? null : id.trim().toLowerCase());

async function read(content: string | Uint8Array, known: string[] = []) {
  const path = join(folder, 'clinical.csv');
  writeFileSync(path, content);
  const quarantine = createQuarantine();
  const table = await readClinicalTable(path, { quarantine, keyOf, known: new Set(known) });
  return { ...table, rows: Object.fromEntries(table.rows), counts: quarantine.counts() };
}

describe('readClinicalTable()', () => {
  test.each([
    ['commas', 'Case ID,Age,Sex\nR1,70,M\nR2,61,F\n'],
    ['semicolons', 'Case ID;Age;Sex\nR1;70;M\nR2;61;F\n'],
    ['tabs', 'Case ID\tAge\tSex\nR1\t70\tM\nR2\t61\tF\n'],
    ['CRLF', 'Case ID,Age,Sex\r\nR1,70,M\r\nR2,61,F\r\n'],
    ['CR', 'Case ID,Age,Sex\rR1,70,M\rR2,61,F\r'],
    ['a byte order mark', '\uFEFFCase ID,Age,Sex\nR1,70,M\nR2,61,F\n'],
    ['a separator hint', 'sep=;\r\nCase ID;Age;Sex\r\nR1;70;M\r\nR2;61;F\r\n'],
    ['quotes', '"Case ID","Age","Sex"\n"R1","70","M"\n"R2","61","F"\n'],
    ['empty lines', 'Case ID,Age,Sex\n\nR1,70,M\n\n\nR2,61,F\n\n'],
    ['UTF-16', Buffer.from('\uFEFFCase ID,Age,Sex\nR1,70,M\nR2,61,F\n', 'utf16le')],
    ['trailing delimiters', 'Case ID,Age,Sex\nR1,70,M,,\nR2,61,F,\n'],
    ['ids in other case and blanks', 'Case ID,Age,Sex\n r1 ,70,M\nR2,61,F\n'],
  ])('reads %s', async (_, content) => {
    const { headings, rows, counts } = await read(content);
    expect(headings).toEqual(['Age', 'Sex']);
    expect(rows).toEqual({ r1: ['70', 'M'], r2: ['61', 'F'] });
    expect(counts).toEqual({});
  });

  test('reads Windows-1252 and says so', async () => {
    const { rows, unicode } = await read(Buffer.from('id,Histologie\nR1,gro\xdfzellig\n', 'latin1'));
    expect(rows['r1']).toEqual(['großzellig']);
    expect(unicode).toBe(false);
  });

  test('keeps delimiters and line breaks inside quotes', async () => {
    const { rows } = await read('id,Notes,Age\nR1,"a, b\nc ""d""",70\n');
    expect(rows['r1']).toEqual(['a, b\nc "d"', '70']);
  });

  test('counts rows without id, of a patient seen before, too long and too short', async () => {
    const { rows, counts } = await read('id,Age,Sex\n,1,M\nN/A,2,M\nR1,3,M\nR1,4,F\nR2,5,M,surplus\nR3\n');
    expect(rows).toEqual({ r1: ['3', 'M'], r3: ['', ''] });
    expect(counts).toEqual({
      'clinical-row-too-long': 1,
      'clinical-row-too-short': 1,
      'clinical-row-without-id': 2,
      'clinical-row-duplicate-patient': 1,
    });
  });

  test('loses no more than a row to a quotation mark that is never closed', async () => {
    const rowsBefore = Array.from({ length: 50 }, (_, index) => `A${index},70,M\n`).join('');
    const rowsAfter = Array.from({ length: 50 }, (_, index) => `B${index},61,F\n`).join('');
    const { rows, counts } = await read(`id,Age,Sex\n${rowsBefore}X,"5,M\n${rowsAfter}`);
    expect(Object.keys(rows).length).toBeGreaterThanOrEqual(100);
    expect(counts['clinical-row-damaged']).toBe(1);
  });

  test('takes the id column that knows the imaged patients', async () => {
    const content = 'study id,Age,patient_id\nS1,70,R1\nS2,61,R2\n';
    expect((await read(content, ['r1', 'r2'])).headings).toEqual(['study id', 'Age']);
    expect((await read(content, ['s1'])).headings).toEqual(['Age', 'patient_id']);
  });

  test('takes the first column for the ids when no heading says so', async () => {
    expect((await read('Fallnummer,Age\nR1,70\n')).rows).toEqual({ r1: ['70'] });
  });

  test('fills a heading that occurs twice from its own column', async () => {
    expect((await read('id,Age,Age\nR1,70,71\n')).rows).toEqual({ r1: ['70', '71'] });
  });

  test.each([
    ['nothing', ''],
    [
      'a picture',
      Uint8Array.from({ length: 3000 }, (_, index) => (index * 2654435761) >>> 24).map((byte) =>
        byte === 44 || byte === 59 || byte === 9 || byte === 124 ? 0 : byte,
      ),
    ],
    ['one column', 'id\nR1\nR2\n'],
  ])('refuses %s', async (_, content) => {
    await expect(read(content)).rejects.toThrow('could not be read as a table');
  });

  test('names no path when there is no file', async () => {
    const reading = readClinicalTable(join(folder, 'SECRET', 'x.csv'), {
      quarantine: createQuarantine(),
      keyOf,
      known: new Set(),
    });
    await expect(reading).rejects.toThrow(/^The clinical table could not be read as a table with a heading row\.$/);
  });
});
