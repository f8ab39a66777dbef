/** Random, alone and federated side by side, one line per task. */
import { formatCount, formatGain, formatMean } from '../format-figure.ts';
import type { ComparisonRow, OverallRow } from '../report-schema.ts';
import type { Markup } from './markup.ts';
import { type Row, table } from './table.ts';

export function comparisonTable(
  caption: string,
  rows: readonly ComparisonRow[],
  { overall = [] }: { overall?: readonly OverallRow[] } = {},
): Markup {
  const shots = rows.some(({ k }) => k !== null);
  return table(
    caption,
    [
      { heading: 'task' },
      { heading: 'representation' },
      ...(shots ? [{ heading: 'k', numeric: true }] : []),
      { heading: 'random', numeric: true },
      { heading: 'each site alone, mean', numeric: true },
      { heading: 'federated', numeric: true },
      { heading: 'federated − random', numeric: true },
      // The error of a few-shot figure covers the draws only: it cannot say whether a gain would hold for other patients.
      ...(shots ? [] : [{ heading: 'over 2 SE' }]),
      { heading: 'patients', numeric: true },
    ],
    [
      ...rows.map((row): Row => figures(row.task, row, { shots, patients: formatCount(row.patients) })),
      ...overall.map(
        (row): Row => ({
          ...figures(`mean over ${row.tasks} tasks`, row, { shots, patients: '' }),
          emphasis: true,
        }),
      ),
    ],
  );
}

function figures(
  name: string,
  row: ComparisonRow | OverallRow,
  { shots, patients }: { shots: boolean; patients: string },
): Row {
  return {
    cells: [
      name,
      representationName(row.representation),
      ...(shots ? [String(row.k ?? '')] : []),
      formatMean(row.random),
      formatMean(row.alone),
      formatMean(row.federated),
      formatGain(row.gainOverRandom),
      ...(shots ? [] : [row.gainExceedsTwoErrors === null ? '–' : row.gainExceedsTwoErrors ? 'yes' : 'no']),
      patients,
    ],
  };
}

export function representationName(representation: ComparisonRow['representation']): string {
  return representation === 'slices' ? 'slice mean' : 'pooled patient';
}
