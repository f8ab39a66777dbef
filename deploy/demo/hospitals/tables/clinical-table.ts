/** Writes a site's `clinical.csv` as that site keeps it: its own headings, units, spellings and gaps. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import type { Disease } from '../diseases.ts';
import type { SyntheticPatient } from '../patients.ts';
import type { ClinicalCategories, ClinicalNumbers } from './clinical-record.ts';
import { drawClinicalRecord } from './clinical-record.ts';
import type { DelimitedTextStyle } from './delimited-text.ts';
import { writeDelimitedText } from './delimited-text.ts';

export type ClinicalColumn =
  | { heading: string; kind: 'number'; measure: keyof ClinicalNumbers; unitFactor?: number; decimals: number }
  | {
      heading: string;
      kind: 'category';
      measure: keyof ClinicalCategories;
      spellings: Readonly<Record<string, string>>;
    }
  | { heading: string; kind: 'outcome'; disease: Disease; positive: string; negative: string }
  | { heading: string; kind: 'visit-date' }
  | { heading: string; kind: 'remark' };

export interface ClinicalTableStyle {
  text: Omit<DelimitedTextStyle, 'separator'>;
  idHeading: string;
  columns: readonly ClinicalColumn[];
  /** Share of number and category cells that are missing, and the ways this site writes that. */
  missingShare: number;
  missingSpellings: readonly string[];
  /** Share of outcomes that nobody recorded. */
  outcomeMissingShare: number;
}

/** Rows spoilt on purpose, by patient id. */
export interface ClinicalFaults {
  rowTooLong: string;
  rowTooShort: string;
  /** Its first number column holds words. */
  cellNotNumeric: string;
}

const REMARKS = [
  'Seen in the chest clinic, follow-up in three months',
  'Referred by family doctor; "second opinion" asked for',
  'No new complaints',
  'Films from elsewhere reviewed, no change',
] as const;

export function writeClinicalTable(
  patients: readonly SyntheticPatient[],
  random: SeededRandom,
  { style, faults }: { style: ClinicalTableStyle; faults: ClinicalFaults },
): string {
  const rows = [[style.idHeading, ...style.columns.map(({ heading }) => heading)]];
  for (const patient of patients) {
    if (!patient.has.clinical) continue;
    const row = writeRow(patient, random.fork(patient.id), style);
    if (patient.id === faults.cellNotNumeric) row[1 + firstNumber(style)] = 'see letter';
    if (patient.id === faults.rowTooLong) row.push('0');
    if (patient.id === faults.rowTooShort) row.pop();
    rows.push(row);
  }
  return writeDelimitedText(rows, { ...style.text, separator: ',' });
}

const firstNumber = (style: ClinicalTableStyle) => style.columns.findIndex(({ kind }) => kind === 'number');

function writeRow(patient: SyntheticPatient, random: SeededRandom, style: ClinicalTableStyle): string[] {
  const { numbers, categories } = drawClinicalRecord(random.fork('record'), patient);
  const gap = () => style.missingSpellings[random.int(style.missingSpellings.length)]!;
  const cells = style.columns.map((column) => {
    const missing = random.next();
    switch (column.kind) {
      case 'number':
        return missing < style.missingShare
          ? gap()
          : (numbers[column.measure] * (column.unitFactor ?? 1)).toFixed(column.decimals);
      case 'category':
        return missing < style.missingShare ? gap() : column.spellings[categories[column.measure]]!;
      case 'outcome':
        if (missing < style.outcomeMissingShare) return gap();
        return patient.outcome[column.disease] ? column.positive : column.negative;
      case 'visit-date':
        return `2024-${twoDigits(1 + random.int(12))}-${twoDigits(1 + random.int(28))}`;
      case 'remark':
        return REMARKS[random.int(REMARKS.length)]!;
      default:
        return column satisfies never;
    }
  });
  return [patient.id, ...cells];
}

const twoDigits = (number: number) => String(number).padStart(2, '0');
