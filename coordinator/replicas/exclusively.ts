/** Runs a task while no other replica runs one of the same name. */
import type { Clock } from '../rounds/clock.ts';
import type { Leases } from '../storage/leases.ts';

export type Exclusively = <Result>(task: () => Promise<Result>) => Promise<Result>;

const askAgainMillis = 50;

/** @param options.durationMillis after which the others go on without a replica that was killed meanwhile. */
export function createExclusively(
  leases: Leases,
  options: {
    readonly name: string;
    readonly holder: string;
    readonly clock: Clock;
    readonly durationMillis: number;
  },
): Exclusively {
  const { name, holder, clock, durationMillis } = options;
  return async (task) => {
    for (;;) {
      const lease = await leases.acquire(name, holder, { nowMillis: clock.now(), durationMillis });
      if (lease !== null) {
        try {
          return await task();
        } finally {
          await leases.release(lease).catch(() => undefined);
        }
      }
      await new Promise<void>((resolve) => void clock.at(clock.now() + askAgainMillis, resolve));
    }
  };
}
