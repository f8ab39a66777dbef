/** Journals of replicas: every append is told to the others and logged for the audit, by whoever comes to it first. */
import { studyEventHash } from '@wardround/protocols/audit/log-record.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { CHECKPOINT_AFTER } from '../audit/audited-journal.ts';
import type { Journal } from '../storage/journal.ts';

/**
 * An event that was not logged because its replica was killed, or the database was away, is logged with the study's next one,
 * or at the next start of any replica; no checkpoint is made without it.
 */
export function createSharedJournal(
  journal: Journal,
  options: {
    readonly log: Pick<AuditLog, 'appendMissing' | 'checkpoint'>;
    readonly onAppended: () => void;
    readonly onTrouble: (error: unknown) => void;
  },
): Journal {
  const { log, onAppended, onTrouble } = options;
  return {
    ...journal,
    async append(study, events, place) {
      await journal.append(study, events, place);
      onAppended();
      try {
        await log.appendMissing(async (logged) => {
          const from = logged(study);
          const missing = await journal.read(study, from);
          return missing.map((event, index) => {
            return { kind: 'study-event', study, position: from + index, event: studyEventHash(event) } as const;
          });
        });
        if (events.some(({ kind }) => CHECKPOINT_AFTER.has(kind))) await log.checkpoint();
      } catch (error) {
        onTrouble(error);
      }
    },
  };
}
