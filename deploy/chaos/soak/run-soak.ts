/**
 * Random kills for as long as one likes: a consortium of processes, of which coordinator and sites are killed with SIGKILL at
 * random times, sites stay away for a while, and lines are reset, stalled, narrowed and lose requests and answers. After each
 * study every promise is checked; a sum may hold nothing but zeros and ones.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isOver, type StudyState } from '@wardround/protocols/round/state.ts';
import { createRandom, type SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { type Consortium, startConsortium } from '../consortium/start-consortium.ts';
import type { Fate } from '../link/chaos-proxy.ts';
import { assertPromises, watchLedgers } from '../oracles/promises.ts';

export interface SoakOptions {
  readonly seed: number;
  readonly millis: number;
  readonly sites: number;
  readonly roundsOfAStudy: number;
  /** The longest time between two faults. */
  readonly calmMillis: number;
  readonly report: (line: string) => void;
}

export interface SoakResult {
  readonly studies: number;
  readonly committed: number;
  /** Rounds that ended in another way. */
  readonly otherRounds: number;
  readonly kills: { coordinator: number; sites: number };
  readonly lineFaults: number;
}

const FATES: readonly Fate[] = ['lose-request', 'lose-response', 'reset-in-the-middle', 'swallow-in-the-middle'];
/** A study that ended otherwise could not go on without the sites that were away; anything else is a fault of ours. */
const MAY_FAIL_WITH = [
  'quorum-not-ready',
  'quorum-not-met',
  'too-few-survivors',
  'too-few-shares',
  'too-many-rounds-skipped',
];

/** @throws {Error} when a promise is broken. The same seed draws the same faults; when they hit is up to the machine. */
export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const { seed, millis, sites, roundsOfAStudy, report } = options;
  const result = { studies: 0, committed: 0, otherRounds: 0, kills: { coordinator: 0, sites: 0 }, lineFaults: 0 };
  const random = createRandom(`soak/${seed}`);
  const endMillis = performance.now() + millis;
  const consortium = await startConsortium({ sites, coordinator: { where: 'process' } });
  try {
    const assertLedgerMonotone = watchLedgers(consortium);
    for (const site of consortium.sites) site.start({ where: 'process' });
    do {
      const name = `soak-${result.studies + 1}`;
      const study = await consortium.launch(
        chaosPlan({
          name,
          rounds: roundsOfAStudy,
          quorum: Math.max(3, sites - 1),
          sessionDeadlineSeconds: 8,
          roundDeadlineSeconds: 30,
        }),
      );
      const calm = new AbortController();
      const faults = makeFaults(consortium, { random: random.fork(name), result, signal: calm.signal, options });
      let state: StudyState | null = null;
      const studyMillis = 60_000 + 60_000 * roundsOfAStudy;
      for (const began = performance.now(); state === null || !isOver(state); await delay(200)) {
        state = (await consortium.state(study)) ?? state;
        // What is left of a study when the time is up goes on in peace.
        if (performance.now() > endMillis) calm.abort();
        if (performance.now() - began > studyMillis) await consortium.untilOver(study, { timeoutMillis: 0 });
      }
      calm.abort();
      await faults;
      count(state, result);
      await assertLedgerMonotone();
      await assertPromises(consortium, state);
      if (state.phase.kind === 'failed' && !MAY_FAIL_WITH.includes(state.phase.reason)) {
        throw new Error(`The study failed for a reason of our own: ${state.phase.reason}`);
      }
      report(
        `${name} ${state.phase.kind}; in all ${result.committed} rounds committed, ${result.otherRounds} not, ` +
          `${result.kills.coordinator} coordinators and ${result.kills.sites} sites killed, ${result.lineFaults} line faults`,
      );
    } while (performance.now() < endMillis);
    return result;
  } finally {
    await consortium.close();
  }
}

function count(state: StudyState, result: { studies: number; committed: number; otherRounds: number }): void {
  const rounds = state.stages.flatMap((stage) => stage.rounds);
  const committed = rounds.filter(({ outcome }) => outcome?.kind === 'committed').length;
  result.studies += 1;
  result.committed += committed;
  result.otherRounds += rounds.length - committed;
}

/** One fault after another until the signal aborts; then everybody runs and the line is good. */
async function makeFaults(
  consortium: Consortium,
  parts: {
    readonly random: SeededRandom;
    readonly result: { kills: { coordinator: number; sites: number }; lineFaults: number };
    readonly signal: AbortSignal;
    readonly options: Pick<SoakOptions, 'calmMillis'>;
  },
): Promise<void> {
  const { random, result, signal, options } = parts;
  const { proxy, sites } = consortium;
  const rest = (longestMillis: number) =>
    delay(random.next() * longestMillis, undefined, { signal }).catch(() => undefined);
  while (!signal.aborted) {
    await rest(options.calmMillis);
    if (signal.aborted) break;
    switch (random.int(8)) {
      case 0:
      case 1:
        await consortium.coordinator().kill();
        result.kills.coordinator += 1;
        await rest(500);
        await consortium.startCoordinator({ where: 'process' });
        break;
      case 2:
      case 3:
      case 4: {
        const victim = sites[random.int(sites.length)]!;
        await victim.party().kill();
        result.kills.sites += 1;
        // Most are back at once; some stay away for longer than a step may take.
        await rest(random.int(4) === 0 ? 12_000 : 500);
        victim.start({ where: 'process' });
        break;
      }
      case 5:
        proxy.reset();
        result.lineFaults += 1;
        break;
      case 6: {
        const quality = random.int(2) === 0 ? { isStalled: true } : { delayMillis: 150, bytesPerSecond: 125_000 };
        proxy.setLine(quality);
        result.lineFaults += 1;
        await rest(1500);
        proxy.heal();
        break;
      }
      default: {
        const share = random.next() / 2;
        proxy.setFate(() => (random.next() < share ? FATES[random.int(FATES.length)]! : 'pass'));
        result.lineFaults += 1;
        await rest(1500);
        proxy.heal();
      }
    }
  }
  proxy.heal();
}
