/** The sequence numbers that each signer has used (slide-window.ts), across restarts and replicas. */
import type { Database } from './database.ts';
import { emptyWindow, type SequenceVerdict, slideWindow, WINDOW_SIZE } from './slide-window.ts';

export interface SequenceWindows {
  /**
   * Says whether the signer may use the number, and marks it as used. Durable when it returns.
   *
   * @throws {RangeError} when it is not a whole number from 0.
   */
  use(signer: string, sequence: number): Promise<SequenceVerdict>;
  /** Above every number that the signer has used. */
  least(signer: string): Promise<number>;
  /** Forgets a signer whose key is not good any more. */
  forget(signer: string): Promise<void>;
}

export function createSequenceWindows(database: Database): SequenceWindows {
  return {
    use: (signer, sequence) =>
      database.transaction(async (tables) => {
        const first = { signer, window_start: emptyWindow.start, seen: emptyWindow.seen };
        await tables
          .insertInto('sequences')
          .values(first)
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        const row = await tables
          .selectFrom('sequences')
          .select(['window_start', 'seen'])
          .where('signer', '=', signer)
          .$if(database.kind === 'postgresql', (query) => query.forUpdate())
          .executeTakeFirstOrThrow();
        const { verdict, window } = slideWindow({ start: row.window_start, seen: row.seen }, sequence);
        if (verdict === 'new') {
          await tables
            .updateTable('sequences')
            .set({ window_start: window.start, seen: window.seen })
            .where('signer', '=', signer)
            .execute();
        }
        return verdict;
      }),
    async least(signer) {
      const row = await database.tables
        .selectFrom('sequences')
        .select('window_start')
        .where('signer', '=', signer)
        .executeTakeFirst();
      return (row?.window_start ?? emptyWindow.start) + WINDOW_SIZE;
    },
    async forget(signer) {
      await database.tables.deleteFrom('sequences').where('signer', '=', signer).execute();
    },
  };
}
