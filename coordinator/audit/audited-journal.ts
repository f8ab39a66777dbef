/** Journals whose every event is also logged for the audit, and a checkpoint after every round that was committed. */
import { compareJournals } from '@wardround/protocols/audit/compare-journals.ts';
import { studyEventHash } from '@wardround/protocols/audit/log-record.ts';
import type { Journal } from '../storage/journal.ts';
import type { EnrolledSite } from '../storage/site-table.ts';
import { type AuditLog, AuditLogDamagedError } from './audit-log.ts';

/** After which events a checkpoint is made. */
export const CHECKPOINT_AFTER: ReadonlySet<string> = new Set([
  'round-committed',
  'study-finished',
  'study-failed',
  'study-aborted',
]);

/**
 * An event that could not be logged is not lost: the log keeps it for its next write, and after a restart it is taken from
 * the journal. The study goes on meanwhile; no checkpoint is made without it.
 */
export function createAuditedJournal(
  journal: Journal,
  {
    log,
    onTrouble,
  }: { readonly log: Pick<AuditLog, 'append' | 'checkpoint'>; readonly onTrouble: (error: unknown) => void },
): Journal {
  /** From where on it is not known which events of a study were stored and not logged: an append failed there. */
  const unsure = new Map<string, number>();
  return {
    studies: journal.studies,
    lengths: journal.lengths,
    read: journal.read,
    async append(study, events, place) {
      const first = unsure.get(study) ?? place.position;
      unsure.set(study, first);
      await journal.append(study, events, place);
      try {
        const missed = first === place.position ? [] : (await journal.read(study)).slice(first, place.position);
        const entries = [...missed, ...events].map((event, index) => {
          return { kind: 'study-event', study, position: first + index, event: studyEventHash(event) } as const;
        });
        unsure.delete(study);
        await log.append(entries);
        if (events.some(({ kind }) => CHECKPOINT_AFTER.has(kind))) await log.checkpoint();
      } catch (error) {
        onTrouble(error);
      }
    },
  };
}

/**
 * Logs what journals and registry hold and the log does not: what the coordinator had no time for before it was stopped.
 *
 * @throws {AuditLogDamagedError} when they lack what was logged.
 */
export async function completeLog(
  log: AuditLog,
  { journal, sites }: { readonly journal: Journal; readonly sites: readonly EnrolledSite[] },
): Promise<void> {
  const journals = [];
  for (const study of await journal.studies()) {
    journals.push({ study, events: (await journal.read(study)).map(studyEventHash) });
  }
  const compared = compareJournals(log.before, journals);
  if (!compared.ok) {
    throw new AuditLogDamagedError(
      `Cannot start: ${compared.fault.sentence} Restore the whole state folder from one backup; its parts must belong together.`,
    );
  }
  const known = new Set(
    log.before.flatMap((record) => (record.kind === 'site-admitted' ? [`${record.site} ${record.signingKey}`] : [])),
  );
  const admitted = sites.flatMap(({ site, signingKey, status }) =>
    status === 'admitted' && !known.has(`${site} ${signingKey}`)
      ? [{ kind: 'site-admitted', site, signingKey } as const]
      : [],
  );
  await log.append([...admitted, ...compared.missing]);
}
