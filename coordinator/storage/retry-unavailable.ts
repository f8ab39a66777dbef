/** Tries again what the database was not there for, where nobody else would: no site or administrator waits for the answer. */
import type { Clock } from '../rounds/clock.ts';
import { DatabaseUnavailableError } from './database-errors.ts';

/** About five minutes in all. */
const waitsMillis = [100, 500, 1000, 2000, 4000, 8000, 15_000, ...Array<number>(9).fill(30_000)];

/** @param task must bear being done twice, because an answer may have been lost. */
export async function retryUnavailable<Result>(task: () => Promise<Result>, clock: Clock): Promise<Result> {
  for (const millis of waitsMillis) {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
      await new Promise<void>((resolve) => clock.at(clock.now() + millis, resolve));
    }
  }
  return task();
}
