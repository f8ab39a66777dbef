/** Compares what studies' journals hold with what was logged of them. */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { AuditFault } from './audit-fault.ts';
import type { LogEntry, LogRecord } from './log-record.ts';

/** A study's events, by their hashes (studyEventHash), in their order. */
export interface JournalHashes {
  readonly study: Sha256Hex;
  readonly events: readonly Sha256Hex[];
}

/**
 * @returns the entries that the journals are ahead by, as they are when the power goes between the two; or what is wrong:
 *   nothing that was logged may be missing from a journal or be another event there.
 */
export function compareJournals(
  records: readonly LogRecord[],
  journals: readonly JournalHashes[],
): { readonly ok: true; readonly missing: readonly LogEntry[] } | { readonly ok: false; readonly fault: AuditFault } {
  const logged = new Map<Sha256Hex, Sha256Hex[]>();
  for (const record of records) {
    if (record.kind !== 'study-event') continue;
    const events = logged.get(record.study) ?? [];
    if (record.position !== events.length) {
      const sentence = `Record ${record.seq + 1} of the coordinator's log skips or repeats an event of study ${record.study.slice(0, 12)}.`;
      return { ok: false, fault: { kind: 'mismatch', sentence } };
    }
    events.push(record.event);
    logged.set(record.study, events);
  }
  const found = new Map(journals.map(({ study, events }) => [study, events]));
  for (const [study, events] of logged) {
    const inJournal = found.get(study) ?? [];
    const name = `the journal of study ${study.slice(0, 12)}`;
    const other = events.findIndex((event, position) => position < inJournal.length && event !== inJournal[position]);
    if (other !== -1) {
      const sentence = `Event ${other} in ${name} is not the one that was logged: the journal was rewritten.`;
      return { ok: false, fault: { kind: 'forked', sentence } };
    }
    if (inJournal.length < events.length) {
      const sentence = `Events are missing from ${name}: ${events.length} were logged, found ${inJournal.length}. It was cut or put back.`;
      return { ok: false, fault: { kind: 'rolled-back', sentence } };
    }
  }
  const missing = journals.flatMap(({ study, events }) => {
    const known = logged.get(study)?.length ?? 0;
    return events
      .slice(known)
      .map((event, index) => ({ kind: 'study-event', study, position: known + index, event }) as const);
  });
  return { ok: true, missing };
}
