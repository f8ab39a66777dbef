/** Writes a site's `expression.tsv` as its laboratory delivers it: batch effect, scale, orientation, missing genes. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import type { SyntheticPatient } from '../patients.ts';
import { writeDelimitedText } from './delimited-text.ts';
import type { ExpressionProgramme } from './expression-programme.ts';
import { drawExpressionProfile } from './expression-programme.ts';

export interface ExpressionTableStyle {
  /** Whether genes are the rows and patients the columns, or the other way round. */
  genesBy: 'rows' | 'columns';
  cornerHeading: string;
  /** Standard deviation of each gene's shift at this laboratory, log2 units. */
  batchShift: number;
  /** Multiplies log2 values: 0.693147 for natural logarithms. */
  scale: number;
  /** How many of the plan's genes this laboratory does not measure, and how many others it does. */
  absentGenes: number;
  surplusGenes: number;
  /** How an empty value is written. */
  missingSpelling: string;
  missingShare: number;
}

export function writeExpressionTable(
  patients: readonly SyntheticPatient[],
  random: SeededRandom,
  options: { programme: ExpressionProgramme; style: ExpressionTableStyle; emptyProfile: string },
): string {
  const { programme, style, emptyProfile } = options;
  const columns = drawLaboratory(random.fork('laboratory'), { programme, style });
  const measured = patients.filter((patient) => patient.has.expression);
  const profiles = measured.map((patient) => {
    const own = random.fork(patient.id);
    if (patient.id === emptyProfile) return columns.map(() => '');
    const profile = drawExpressionProfile(own.fork('profile'), programme, patient);
    return columns.map(({ gene, shift }) => {
      const log2 = gene === null ? 5 + own.normal() : profile[gene]!;
      if (own.next() < style.missingShare) return style.missingSpelling;
      return (style.scale * Math.max(0, log2 + shift)).toFixed(3);
    });
  });
  const table = [
    [style.cornerHeading, ...columns.map(({ symbol }) => symbol)],
    ...measured.map((patient, index) => [patient.id, ...profiles[index]!]),
  ];
  const rows = style.genesBy === 'columns' ? table : transpose(table);
  return writeDelimitedText(rows, { separator: '\t', lineEnd: '\n', byteOrderMark: false });
}

interface MeasuredGene {
  symbol: string;
  /** Place in the programme; null for a gene outside the study. */
  gene: number | null;
  shift: number;
}

function drawLaboratory(
  random: SeededRandom,
  { programme, style }: { programme: ExpressionProgramme; style: ExpressionTableStyle },
): MeasuredGene[] {
  const places = random.shuffle(Array.from(programme.genes.keys())).slice(style.absentGenes);
  const shift = () => style.batchShift * random.normal();
  const known = places.map((gene) => ({ symbol: programme.genes[gene]!.symbol, gene, shift: shift() }));
  const surplus = Array.from({ length: style.surplusGenes }, (_, index) => ({
    symbol: `LAB${String(index + 1).padStart(3, '0')}`,
    gene: null,
    shift: shift(),
  }));
  return random.shuffle([...known, ...surplus]);
}

function transpose(table: readonly (readonly string[])[]): string[][] {
  return Array.from(table[0]!, (_, column) => table.map((row) => row[column]!));
}
