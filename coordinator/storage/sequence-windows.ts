/**
 * The sequence numbers that each signer has used (slide-window.ts), across restarts and replicas; a coordinator that is alone
 * has sequence-log.ts. Numbers that come together
 * are marked together: a busy coordinator's disk is synced once for many requests.
 */
import type { Kysely } from 'kysely';
import type { Database } from './database.ts';
import { emptyWindow, type SequenceVerdict, slideWindow, WINDOW_SIZE } from './slide-window.ts';
import type { Tables } from './tables.ts';

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

interface Waiting {
  readonly signer: string;
  readonly sequence: number;
  readonly resolve: (verdict: SequenceVerdict) => void;
  readonly reject: (error: unknown) => void;
}

export function createSequenceWindows(database: Database): SequenceWindows {
  let waiting: Waiting[] = [];
  let isMarking = false;

  const markAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const together = waiting;
      waiting = [];
      try {
        const verdicts = await database.transaction((tables) => mark(together, { tables, kind: database.kind }));
        for (const [index, { resolve }] of together.entries()) resolve(verdicts[index]!);
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    isMarking = false;
  };

  return {
    use: (signer, sequence) =>
      new Promise((resolve, reject) => {
        // What is wrong with one must not fail the others.
        slideWindow(emptyWindow, sequence);
        waiting.push({ signer, sequence, resolve, reject });
        if (isMarking) return;
        isMarking = true;
        // Whatever else has arrived is read before.
        setImmediate(markAll);
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

/** @returns the verdicts in the order of the numbers. */
async function mark(
  numbers: readonly Pick<Waiting, 'signer' | 'sequence'>[],
  { tables, kind }: { readonly tables: Kysely<Tables>; readonly kind: Database['kind'] },
): Promise<SequenceVerdict[]> {
  const verdicts = new Array<SequenceVerdict>(numbers.length);
  const bySigner = Map.groupBy(numbers.entries(), ([, { signer }]) => signer);
  // In one order everywhere: replicas that hold rows do not wait for one another in a circle.
  for (const [signer, own] of [...bySigner].sort(([a], [b]) => (a < b ? -1 : 1))) {
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
      .$if(kind === 'postgresql', (query) => query.forUpdate())
      .executeTakeFirstOrThrow();
    let window = { start: row.window_start, seen: row.seen };
    for (const [index, { sequence }] of own) {
      const slid = slideWindow(window, sequence);
      verdicts[index] = slid.verdict;
      window = slid.window;
    }
    if (window.start === row.window_start && window.seen === row.seen) continue;
    await tables
      .updateTable('sequences')
      .set({ window_start: window.start, seen: window.seen })
      .where('signer', '=', signer)
      .execute();
  }
  return verdicts;
}
