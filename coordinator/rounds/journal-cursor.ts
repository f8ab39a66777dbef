/** One study's journal, and how far its runner knows it. */
import type { StudyEvent } from '@wardround/protocols/round/events.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { Journal } from '../storage/journal.ts';

export interface JournalCursor {
  /** Resolves when the events are durable. After a failure nobody knows whether they are: `missed` finds out. */
  append(events: readonly StudyEvent[]): Promise<void>;
  /** What the journal has more than the runner knows of, to be applied before anything else is decided. */
  missed(): Promise<readonly StudyEvent[]>;
}

export function createJournalCursor(
  journal: Pick<Journal, 'append' | 'read'>,
  { study, known }: { readonly study: Sha256Hex; readonly known: number },
): JournalCursor {
  let position = known;
  let isUnsure = false;
  return {
    async append(events) {
      isUnsure = true;
      await journal.append(study, events, { position });
      position += events.length;
      isUnsure = false;
    },
    async missed() {
      if (!isUnsure) return [];
      const events = (await journal.read(study)).slice(position);
      position += events.length;
      isUnsure = false;
      return events;
    },
  };
}
