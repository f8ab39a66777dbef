import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { drawPatients } from '../patients.ts';
import { northgate } from '../sites/northgate.ts';
import { riverside } from '../sites/riverside.ts';
import { writeClinicalTable } from './clinical-table.ts';

const prevalence = { emphysema: 0.5, malignancy: 0.5, fibrosis: 0.5 };
const patients = drawPatients(createRandom(1), { count: 40, idPrefix: 'T', prevalence });
const [rowTooLong, rowTooShort, cellNotNumeric] = patients.filter(({ has }) => has.clinical).map(({ id }) => id) as [
  string,
  string,
  string,
];
const faults = { rowTooLong, rowTooShort, cellNotNumeric };
const write = (style: typeof northgate.clinical) => writeClinicalTable(patients, createRandom(2), { style, faults });

describe('writeClinicalTable()', () => {
  test('writes a row for each patient who has one, spoilt where it should be', () => {
    const [heading, ...rows] = write(northgate.clinical)
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
    expect(heading?.slice(0, 3)).toEqual(['patient_id', 'age', 'sex']);
    expect(rows.map(([id]) => id)).toEqual(patients.filter(({ has }) => has.clinical).map(({ id }) => id));
    const surplus = new Map(rows.map((row) => [row[0], row.length - heading!.length]));
    expect(surplus.get(rowTooLong)).toBe(1);
    expect(surplus.get(rowTooShort)).toBe(-1);
    expect([...surplus.values()].filter((count) => count !== 0)).toHaveLength(2);
    expect(rows.find(([id]) => id === cellNotNumeric)?.[1]).toBe('see letter');
  });

  test('writes as the site does: byte order mark, line ends, spellings of what is missing', () => {
    const text = write(riverside.clinical);
    expect(text.startsWith('\ufeffPatient ID,')).toBe(true);
    expect(text.split('\r\n')).toHaveLength(2 + patients.filter(({ has }) => has.clinical).length);
    expect(text).toContain('Not recorded');
    expect(text).toContain('"Referred by family doctor; ""second opinion"" asked for"');
  });

  test('records the diagnoses in the site’s words', () => {
    const [heading, ...rows] = write(northgate.clinical)
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
    const column = heading!.indexOf('emphysema');
    const recorded = rows.filter((row) => row[column] === 'yes' || row[column] === 'no');
    expect(recorded.length).toBeGreaterThan(0.8 * rows.length);
    for (const row of recorded) {
      const patient = patients.find(({ id }) => id === row[0])!;
      expect(row[column]).toBe(patient.outcome.emphysema ? 'yes' : 'no');
    }
  });
});
