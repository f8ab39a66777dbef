/**
 * Progress hints come several times a second and hold numbers alone, so that one record stands for all hints of a piece of
 * work (a study's round). Everything else is recorded every time it is sent, repeated attempts included.
 */
import type { EgressEntry } from '@wardround/protocols/audit/egress-record.ts';
import type { EgressLedger } from './egress-ledger.ts';

export type RecordEgress = EgressLedger['record'];

export function recordHintsOnce(record: RecordEgress): RecordEgress {
  let piece: string | null = null;
  /** The record of that piece; hints wait until it is on the disk. */
  let recorded: Promise<void> = Promise.resolve();
  return (entry) => {
    if (entry.what !== 'progress-hints') return record(entry);
    const key = pieceOf(entry);
    if (key === piece) return recorded;
    piece = key;
    recorded = record(entry).catch((error: unknown) => {
      // The next hint tries again.
      if (piece === key) piece = null;
      throw error;
    });
    return recorded;
  };
}

function pieceOf({ destination, study, stage, round }: EgressEntry): string {
  return [destination, study, stage, round].join(' ');
}
