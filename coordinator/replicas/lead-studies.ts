/**
 * Leads those studies whose leases this replica holds: it takes what is free, renews what it has, and lets go of what it
 * cannot renew. Alarms and effects of a study are run by its leader alone, and what they append is refused once another has
 * its lease (storage/leases.ts).
 */
import type { Logger } from 'pino';
import type { Clock } from '../rounds/clock.ts';
import { shareTurns } from '../rounds/share-turns.ts';
import type { StudyRunner } from '../rounds/study-runner.ts';
import type { Lease, Leases } from '../storage/leases.ts';

export interface Leading {
  /** Looks at once: there may be a new study. */
  look(): Promise<void>;
  /** Gives the studies to others. */
  close(): Promise<void>;
}

interface Held {
  readonly lease: Lease;
  readonly untilMillis: number;
}

export function leadStudies(options: {
  readonly leases: Leases;
  /** Made anew at every start. */
  readonly holder: string;
  readonly runners: () => readonly StudyRunner[];
  readonly isOver: (runner: StudyRunner) => boolean;
  /** Takes up what others have done, however they told of it. */
  readonly follow: () => Promise<void>;
  readonly clock: Clock;
  readonly durationMillis: number;
  readonly log: Logger;
}): Leading {
  const { leases, holder, runners, isOver, follow, clock, durationMillis, log } = options;
  const held = new Map<string, Held>();
  let isClosed = false;
  let cancel = (): void => undefined;

  const letGo = (runner: StudyRunner): void => {
    held.delete(runner.state().study);
    runner.lead(null);
  };

  const tend = async (runner: StudyRunner): Promise<void> => {
    const { study } = runner.state();
    const mine = held.get(study);
    // Counted from before the question: the lease is never believed in for longer than it is given.
    const nowMillis = clock.now();
    const term = { nowMillis, durationMillis };
    const untilMillis = nowMillis + durationMillis;
    if (isOver(runner)) {
      if (mine === undefined) return;
      letGo(runner);
      return leases.release(mine.lease);
    }
    if (mine !== undefined && (await leases.renew(mine.lease, term))) {
      held.set(study, { lease: mine.lease, untilMillis });
      return;
    }
    if (mine !== undefined) letGo(runner);
    const lease = await leases.acquire(`study/${study}`, holder, term);
    if (lease === null || isClosed) return;
    held.set(study, { lease, untilMillis });
    log.info({ study: study.slice(0, 12), epoch: lease.epoch }, 'leads-study');
    runner.lead(lease);
  };

  const look = shareTurns(async () => {
    if (isClosed) return;
    try {
      await follow();
      for (const runner of runners()) await tend(runner);
    } catch (error) {
      log.error({ problem: error instanceof Error ? error.name : 'unknown' }, 'leases cannot be renewed');
      for (const runner of runners()) {
        if ((held.get(runner.state().study)?.untilMillis ?? Number.POSITIVE_INFINITY) <= clock.now()) letGo(runner);
      }
    }
  });

  const tick = (): void => {
    void look();
    cancel = clock.at(clock.now() + durationMillis / 3, tick);
  };
  tick();

  return {
    look,
    async close() {
      cancel();
      await look();
      isClosed = true;
      for (const runner of runners()) {
        const mine = held.get(runner.state().study);
        letGo(runner);
        if (mine !== undefined) await leases.release(mine.lease).catch(() => undefined);
      }
    },
  };
}
