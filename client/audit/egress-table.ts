/** The egress ledger as people read it: what left, when, how much, why. */
import type { EgressRecord } from '@wardround/protocols/audit/egress-record.ts';

const WHAT: Readonly<Record<EgressRecord['what'], string>> = {
  'public-keys': 'this site’s public keys',
  'data-counts': 'counts of patients, series and slices',
  'reason-code': 'why this site sits out',
  'sealed-update': 'sealed model update',
  'upload-announcement': 'announcement of an update',
  'session-message': 'signed message of a secure-aggregation session',
  'update-figures': 'the update’s hash, loss and counts',
  'sealed-evaluation': 'sealed metrics and counts',
  'progress-hints': 'progress (first of several)',
  'roster-approval': 'its signature under the roster’s next epoch',
  'log-cosignature': 'signature under the coordinator’s log',
};

const WHY: Readonly<Record<EgressRecord['purpose'], string>> = {
  enrolment: 'to join',
  preparation: 'to answer a study’s invitation',
  training: 'to train',
  evaluation: 'to evaluate',
  progress: 'for people watching',
  audit: 'to watch the coordinator',
};

const HEADINGS = ['NO', 'WHEN (UTC)', 'BYTES', 'WHAT', 'WHY', 'STUDY', 'ROUND', 'EPSILON'];
/** Numbers stand at the right of their column. */
const RIGHT = new Set(['NO', 'BYTES', 'EPSILON']);

/** One line each, with headings and the sum. */
export function egressTable(records: readonly EgressRecord[]): string[] {
  if (records.length === 0) return ['Nothing has left this site.'];
  const rows = [HEADINGS, ...records.map(cells)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        RIGHT.has(HEADINGS[column]!) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  );
  const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
  return [...lines, '', `${records.length} records, ${grouped(bytes)} bytes in all, repeated attempts included.`];
}

function cells({ seq, atMillis, bytes, what, purpose, study, stage, round, epsilon }: EgressRecord): string[] {
  return [
    String(seq + 1),
    new Date(atMillis).toISOString().slice(0, 19).replace('T', ' '),
    grouped(bytes),
    WHAT[what],
    WHY[purpose],
    study?.slice(0, 12) ?? '-',
    [stage, round].filter((part) => part !== null).join(' ') || '-',
    epsilon === null ? '-' : epsilon.toFixed(3),
  ];
}

function grouped(bytes: number): string {
  return bytes.toLocaleString('en-GB');
}
