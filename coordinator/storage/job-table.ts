/**
 * Work that some replica has to do, one at a time: a small queue. A job that was taken and neither completed nor put back is
 * given to another once its lock has run out, so jobs must bear being done twice.
 */
import type { Kysely, Selectable } from 'kysely';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

export interface Job {
  readonly id: number;
  readonly kind: string;
  /** Names what is to be done: there is one job of a key. */
  readonly key: string;
  /** JSON. */
  readonly payload: unknown;
  readonly runAtMillis: number;
  /** How often it was taken, this time included; also tells this taking from any other. */
  readonly attempts: number;
}

export interface JobTable {
  /** False when there is a job of this key already. */
  add(job: Pick<Job, 'kind' | 'key' | 'payload' | 'runAtMillis'>): Promise<boolean>;
  /** The job that is due the longest, locked for a while; null when none is due that nobody has. */
  take(options: {
    readonly kinds: readonly string[];
    readonly nowMillis: number;
    readonly lockMillis: number;
  }): Promise<Job | null>;
  /** Keeps the job for longer. False when another has taken it since. */
  extend(job: Job, options: { readonly nowMillis: number; readonly lockMillis: number }): Promise<boolean>;
  /** Puts the job back, to be taken again at a later time. False when another has taken it since. */
  postpone(job: Job, runAtMillis: number): Promise<boolean>;
  /** Removes the job. False when another has taken it since. */
  complete(job: Job): Promise<boolean>;
}

export function createJobTable(database: Database): JobTable {
  const { tables } = database;
  return {
    async add({ kind, key, payload, runAtMillis }) {
      const times = { run_at_millis: runAtMillis, locked_until_millis: 0 };
      const { numInsertedOrUpdatedRows } = await tables
        .insertInto('jobs')
        .values({ kind, key, payload: JSON.stringify(payload), ...times, attempts: 0 })
        .onConflict((conflict) => conflict.column('key').doNothing())
        .executeTakeFirstOrThrow();
      return numInsertedOrUpdatedRows === 1n;
    },

    take: ({ kinds, nowMillis, lockMillis }) =>
      database.transaction(async (written) => {
        if (kinds.length === 0) return null;
        const row = await written
          .selectFrom('jobs')
          .selectAll()
          .where('kind', 'in', kinds)
          .where('run_at_millis', '<=', nowMillis)
          .where('locked_until_millis', '<=', nowMillis)
          .orderBy('run_at_millis')
          .orderBy('id')
          .limit(1)
          // Another that takes a job at the same time gets the next one and does not wait for this one.
          .$if(database.kind === 'postgresql', (query) => query.forUpdate().skipLocked())
          .executeTakeFirst();
        if (row === undefined) return null;
        const attempts = row.attempts + 1;
        await written
          .updateTable('jobs')
          .set({ locked_until_millis: nowMillis + lockMillis, attempts })
          .where('id', '=', row.id)
          .execute();
        return fromRow({ ...row, attempts });
      }),

    extend: (job, { nowMillis, lockMillis }) => update(tables, job, { locked_until_millis: nowMillis + lockMillis }),
    postpone: (job, runAtMillis) => update(tables, job, { run_at_millis: runAtMillis, locked_until_millis: 0 }),
    async complete({ id, attempts }) {
      const { numDeletedRows } = await tables
        .deleteFrom('jobs')
        .where('id', '=', id)
        .where('attempts', '=', attempts)
        .executeTakeFirstOrThrow();
      return numDeletedRows === 1n;
    },
  };
}

async function update(
  tables: Kysely<Tables>,
  { id, attempts }: Job,
  times: { readonly run_at_millis?: number; readonly locked_until_millis: number },
): Promise<boolean> {
  const { numUpdatedRows } = await tables
    .updateTable('jobs')
    .set(times)
    .where('id', '=', id)
    .where('attempts', '=', attempts)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

function fromRow(row: Selectable<Tables['jobs']>): Job {
  const { id, kind, key, attempts } = row;
  return { id, kind, key, payload: JSON.parse(row.payload), runAtMillis: row.run_at_millis, attempts };
}
