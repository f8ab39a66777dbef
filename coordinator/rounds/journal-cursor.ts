/** One study's journal, and how far its runner knows it. */
import type { StudyEvent } from '@wardround/protocols/round/events.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { Journal } from '../storage/journal.ts';
import type { Lease } from '../storage/leases.ts';

export interface JournalCursor {
  /** How many events the runner knows of. */
  position(): number;
  /** Resolves when the events are durable. After a failure nobody knows whether they are: `missed` finds out. */
  append(events: readonly StudyEvent[], lease?: Lease): Promise<void>;
  /** What the journal has more than the runner knows of, to be applied before anything else is decided. */
  missed(): Promise<readonly StudyEvent[]>;
}

export function createJournalCursor(
  journal: Pick<Journal, 'append' | 'read'>,
  {
    study,
    known,
    isShared = false,
  }: {
    readonly study: Sha256Hex;
    readonly known: number;
    /** Whether others append to it too. */
    readonly isShared?: boolean;
  },
): JournalCursor {
  let position = known;
  let isUnsure = false;
  return {
    position: () => position,
    async append(events, lease) {
      isUnsure = true;
      await journal.append(study, events, { position, ...(lease === undefined ? {} : { lease }) });
      position += events.length;
      isUnsure = false;
    },
    async missed() {
      if (!isUnsure && !isShared) return [];
      const events = await journal.read(study, position);
      position += events.length;
      isUnsure = false;
      return events;
    },
  };
}
