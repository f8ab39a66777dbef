/** Journals whose every event is also logged for the audit, and a checkpoint after every round that was committed. */
import { compareJournals } from '@wardround/protocols/audit/compare-journals.ts';
import { studyEventHash } from '@wardround/protocols/audit/log-record.ts';
import type { Journal } from '../storage/journal.ts';
import type { EnrolledSite } from '../storage/site-table.ts';
import { type AuditLog, AuditLogDamagedError } from './audit-log.ts';

const CHECKPOINT_AFTER: ReadonlySet<string> = new Set([
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
  { log, onTrouble }: { readonly log: AuditLog; readonly onTrouble: (error: unknown) => void },
): Journal {
  return {
    studies: journal.studies,
    read: journal.read,
    async append(study, events, place) {
      await journal.append(study, events, place);
      const entries = events.map((event, index) => {
        return { kind: 'study-event', study, position: place.position + index, event: studyEventHash(event) } as const;
      });
      try {
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
