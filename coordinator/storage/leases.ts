/**
 * Who may do what only one replica may do at a time. Every change of the holder raises the lease's epoch, and whoever writes
 * on the strength of a lease names that epoch (`append` of journal.ts): a replica that was stopped for a while and does not
 * know that its lease has passed on can write nothing any more (fencing), whatever the clocks say.
 */
import type { Kysely } from 'kysely';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

export interface Lease {
  readonly name: string;
  /** Begins at 1 and never goes back. */
  readonly epoch: number;
}

/** Another holder has the lease by now. */
export class FencedOutError extends Error {
  override readonly name = 'FencedOutError';
}

interface Term {
  readonly nowMillis: number;
  readonly durationMillis: number;
}

export interface Leases {
  /**
   * The lease, when it is free, has expired or is this holder's already; null while another has it.
   *
   * @param holder a name that no other process has ever had, made anew at every start
   */
  acquire(name: string, holder: string, term: Term): Promise<Lease | null>;
  /** False when another has acquired it since, or it was given back. */
  renew(lease: Lease, term: Term): Promise<boolean>;
  /** Lets the next one have it at once. */
  release(lease: Lease): Promise<void>;
}

export function createLeases(database: Database): Leases {
  return {
    acquire: (name, holder, { nowMillis, durationMillis }) =>
      database.transaction(async (tables) => {
        const free = { name, holder: null, epoch: 0, expires_at_millis: 0 };
        await tables
          .insertInto('leases')
          .values(free)
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        const row = await tables
          .selectFrom('leases')
          .selectAll()
          .where('name', '=', name)
          .$if(database.kind === 'postgresql', (query) => query.forUpdate())
          .executeTakeFirstOrThrow();
        const isRunning = row.holder !== null && row.expires_at_millis > nowMillis;
        if (isRunning && row.holder !== holder) return null;
        const epoch = isRunning ? row.epoch : row.epoch + 1;
        const expires_at_millis = nowMillis + durationMillis;
        await tables.updateTable('leases').set({ holder, epoch, expires_at_millis }).where('name', '=', name).execute();
        return { name, epoch };
      }),

    async renew({ name, epoch }, { nowMillis, durationMillis }) {
      const { numUpdatedRows } = await database.tables
        .updateTable('leases')
        .set({ expires_at_millis: nowMillis + durationMillis })
        .where('name', '=', name)
        .where('epoch', '=', epoch)
        .where('holder', 'is not', null)
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },

    async release({ name, epoch }) {
      await database.tables
        .updateTable('leases')
        .set({ holder: null, expires_at_millis: 0 })
        .where('name', '=', name)
        .where('epoch', '=', epoch)
        .execute();
    },
  };
}

/**
 * To be called in the transaction that writes: nobody acquires the lease before that has ended.
 *
 * @throws {FencedOutError}
 */
export async function requireLease(
  tables: Kysely<Tables>,
  { name, epoch }: Lease,
  { kind }: Pick<Database, 'kind'>,
): Promise<void> {
  const row = await tables
    .selectFrom('leases')
    .select('epoch')
    .where('name', '=', name)
    .$if(kind === 'postgresql', (query) => query.forShare())
    .executeTakeFirst();
  if (row?.epoch === epoch) return;
  throw new FencedOutError(
    `Cannot write: it needs epoch ${epoch} of a lease, found ${row?.epoch ?? 'none'}. Another replica has taken over; leave the study to it.`,
  );
}
