/** One seed for everything that is random in a test of faults, and the sentence that says how to repeat it. */
import { randomInt } from 'node:crypto';

/** The seed that `WARDROUND_CHAOS_SEED` gives, or a new one. */
export function chaosSeed({ WARDROUND_CHAOS_SEED: given }: NodeJS.ProcessEnv = process.env): number {
  if (given === undefined || given === '') return randomInt(2 ** 31);
  if (/^\d{1,10}$/.test(given)) return Number(given);
  throw new SyntaxError(`Cannot take the seed: needed a whole number in WARDROUND_CHAOS_SEED, found ${given}`);
}

/**
 * Runs what depends on the seed.
 *
 * @param repeat how to run it again, without the seed, such as `npm run soak -- --minutes 1`
 * @throws what it throws, with the seed in front.
 */
export async function withSeed<Result>(
  { seed, repeat }: { readonly seed: number; readonly repeat: (seed: number) => string },
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new Error(`With the seed ${seed}: ${said}\nRepeat it with: ${repeat(seed)}`, { cause: error });
  }
}
