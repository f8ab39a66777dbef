/**
 * The studies' journals: events in order, each chained to the one before by its hash, so that a damaged or edited
 * journal is noticed before anything is built on it. An append is durable when it returns.
 */
import { StudyEvent } from '@wardround/protocols/round/events.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { Database } from './database.ts';
import { isUniqueViolation } from './is-unique-violation.ts';
import { type Lease, requireLease } from './leases.ts';

export interface Journal {
  /** The studies in the order of their launch. */
  studies(): Promise<Sha256Hex[]>;
  /** How many events each study has. */
  lengths(): Promise<ReadonlyMap<Sha256Hex, number>>;
  /**
   * The study's events, from that position on.
   *
   * @throws {JournalDamagedError} when what is stored is not what was appended.
   */
  read(study: Sha256Hex, from?: number): Promise<StudyEvent[]>;
  /**
   * Appends all the events or none. The very same append may be repeated when its answer was lost.
   *
   * @throws {JournalConflictError | FencedOutError | DatabaseUnavailableError}
   */
  append(study: Sha256Hex, events: readonly StudyEvent[], place: AppendPlace): Promise<void>;
}

export interface AppendPlace {
  /** How many events the journal has: a second writer fails instead of overwriting or forking it. */
  readonly position: number;
  /** Only as long as nobody has acquired this lease since. */
  readonly lease?: Lease;
}

export class JournalDamagedError extends Error {
  override readonly name = 'JournalDamagedError';
}

/** The journal has other events than the writer has seen. */
export class JournalConflictError extends Error {
  override readonly name = 'JournalConflictError';
}

export function createJournal(database: Database): Journal {
  const { tables } = database;
  return {
    async studies() {
      const rows = await tables.selectFrom('events').select(['study', 'event']).where('seq', '=', 0).execute();
      return rows
        .map(({ study, event }) => ({ study, launchedAtMillis: parse(event).atMillis }))
        .sort((a, b) => a.launchedAtMillis - b.launchedAtMillis || (a.study < b.study ? -1 : 1))
        .map(({ study }) => study);
    },

    async lengths() {
      const rows = await tables
        .selectFrom('events')
        .select(({ fn }) => ['study', fn.max('seq').as('last')])
        .groupBy('study')
        .execute();
      return new Map(rows.map(({ study, last }) => [study, last + 1]));
    },

    async read(study, from = 0) {
      // The event before is known already: what follows is chained to its hash.
      const first = Math.max(0, from - 1);
      const rows = await tables
        .selectFrom('events')
        .select(['seq', 'event', 'hash'])
        .where('study', '=', study)
        .where('seq', '>=', first)
        .orderBy('seq')
        .execute();
      const known = from === 0 ? undefined : rows.shift();
      if (from > 0 && known?.seq !== first) throw damaged(study, first);
      let previous = known?.hash ?? '';
      return rows.map((row, index) => {
        const hash = chainHash(previous, row.event);
        if (row.seq !== from + index || row.hash !== hash) throw damaged(study, from + index);
        previous = hash;
        try {
          return parse(row.event);
        } catch {
          throw damaged(study, from + index);
        }
      });
    },

    async append(study, events, { position, lease }) {
      try {
        await database.transaction(async (written) => {
          if (lease !== undefined) await requireLease(written, lease, database);
          const stored = await written
            .selectFrom('events')
            .select(['seq', 'hash'])
            .where('study', '=', study)
            .where('seq', '>=', Math.max(0, position - 1))
            .orderBy('seq')
            .execute();
          const [before, after] = position === 0 ? [[], stored] : [stored.slice(0, 1), stored.slice(1)];
          if (position > 0 && before[0]?.seq !== position - 1) throw conflict(position);
          const rows = chain(study, events, { position, previous: before[0]?.hash ?? '' });
          const isRepeated = after.length === rows.length && after.at(-1)?.hash === rows.at(-1)?.hash;
          if (isRepeated) return;
          if (after.length > 0) throw conflict(position);
          await written.insertInto('events').values(rows).execute();
        });
      } catch (error) {
        throw isUniqueViolation(error) ? conflict(position) : error;
      }
    },
  };
}

function chain(
  study: Sha256Hex,
  events: readonly StudyEvent[],
  { position, previous }: { readonly position: number; readonly previous: string },
) {
  let hash = previous;
  return events.map((content, index) => {
    const event = canonicalJson(content);
    hash = chainHash(hash, event);
    return { study, seq: position + index, event, hash };
  });
}

function chainHash(previous: string, text: string): Sha256Hex {
  return sha256Hex(`wardround/journal/1\n${previous}\n${text}`);
}

function parse(text: string): StudyEvent {
  return StudyEvent.parse(JSON.parse(text));
}

function damaged(study: Sha256Hex, position: number): JournalDamagedError {
  return new JournalDamagedError(
    `Cannot read the journal of study ${study.slice(0, 12)}: event ${position} is not what was written. ` +
      'Restore the state from a backup; nothing was changed.',
  );
}

function conflict(position: number): JournalConflictError {
  return new JournalConflictError(
    `Cannot append to the journal: it should have ${position} events and has others. Another process writes to it.`,
  );
}
