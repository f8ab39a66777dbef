/** Takes a study of a whole consortium through a fault, and holds everybody to the promises afterwards. */
import { setTimeout as delay } from 'node:timers/promises';
import type { RoundState, StudyState } from '@wardround/protocols/round/state.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { PartyOptions } from '../consortium/parties.ts';
import { type Consortium, startConsortium } from '../consortium/start-consortium.ts';
import { assertModelsFollow } from '../oracles/expected-models.ts';
import { assertPromises, watchLedgers } from '../oracles/promises.ts';
import { type Awaited, passDeadlines } from './pass-deadlines.ts';

const LOOK_AGAIN_MILLIS = 100;

interface Fault {
  readonly plan: StudyPlan;
  /** Starts the sites and lets happen what is to happen. */
  readonly make: (consortium: Consortium, study: string) => Promise<unknown>;
  /** Looks closer, before the consortium is gone. */
  readonly look?: (consortium: Consortium, state: StudyState) => unknown;
  /** Who will not answer: the deadline of a step that waits for nobody else passes at once. */
  readonly isAway?: (awaited: Awaited) => boolean;
  readonly timeoutMillis?: number;
}

/**
 * @returns where the study has ended.
 * @throws {Error} when it does not end, or a promise is broken: among them that the weights are, to the bit, those that the
 *   rounds' participants lead to when nothing goes wrong.
 */
export async function throughFault(
  options: Parameters<typeof startConsortium>[0],
  { plan, make, look, isAway, timeoutMillis = 120_000 }: Fault,
): Promise<StudyState> {
  const consortium = await startConsortium(options);
  const passed = new AbortController();
  try {
    const assertLedgerMonotone = watchLedgers(consortium);
    const study = await consortium.launch(plan);
    const passing = isAway && passDeadlines(consortium, { study, isAway, signal: passed.signal });
    await make(consortium, study);
    await assertLedgerMonotone();
    const state = await consortium.untilOver(study, { timeoutMillis });
    await passing;
    await assertLedgerMonotone();
    await assertPromises(consortium, state);
    assertModelsFollow(consortium, { plan, state });
    await look?.(consortium, state);
    return state;
  } finally {
    passed.abort();
    await consortium.close();
  }
}

/** All sites in this process; those that are named, as they are named. */
export function startAll({ sites }: Consortium, others: Readonly<Record<string, Partial<PartyOptions>>> = {}): void {
  for (const site of sites) site.start({ where: 'here', ...others[site.site] });
}

/** Resolves when the study has come to where the test wants it. @throws {Error} when it does not. */
export async function untilState(
  consortium: Consortium,
  study: string,
  isThere: (round: RoundState | undefined, state: StudyState) => boolean,
): Promise<void> {
  for (const end = performance.now() + 90_000; performance.now() < end; await delay(LOOK_AGAIN_MILLIS)) {
    const state = await consortium.state(study);
    if (state !== null && isThere(state.stages[0]?.rounds.at(-1), state)) return;
  }
  await consortium.untilOver(study, { timeoutMillis: 0 });
}

/** How the rounds of the only stage have ended: who took part, or why there is no result. */
export function outcomesOf(state: StudyState): (readonly string[] | string)[] {
  return (state.stages[0]?.rounds ?? []).map(({ outcome }) => {
    if (outcome === null) return 'open';
    return outcome.kind === 'committed' ? outcome.participants : outcome.reason;
  });
}

/** As the consortium names them. */
export function siteNames(count: number): string[] {
  return Array.from({ length: count }, (_, position) => `site-${String(position).padStart(2, '0')}`);
}
