/** Lets the deadlines of steps pass at once that wait for nobody but those who will not come. */
import { setTimeout as delay } from 'node:timers/promises';
import { awaitedInStep, type SessionStep } from '@wardround/protocols/round/session-state.ts';
import { currentRound, isOver } from '@wardround/protocols/round/state.ts';
import type { Consortium } from '../consortium/start-consortium.ts';

const LOOK_AGAIN_MILLIS = 100;

export interface Awaited {
  readonly site: string;
  readonly round: number;
  readonly attempt: number;
  readonly step: SessionStep;
}

/** Runs beside a study until it is over or the signal aborts. */
export async function passDeadlines(
  consortium: Consortium,
  { study, isAway, signal }: { study: string; isAway: (awaited: Awaited) => boolean; signal?: AbortSignal },
): Promise<void> {
  let passed = '';
  for (; signal?.aborted !== true; await delay(LOOK_AGAIN_MILLIS)) {
    const state = await consortium.state(study);
    if (state === null) continue;
    if (isOver(state)) return;
    const round = currentRound(state);
    if (round?.session === undefined) continue;
    const { phase } = state;
    if (phase.kind !== 'training' && phase.kind !== 'secure-session') continue;
    const step = phase.kind === 'training' ? 'advertise' : phase.step;
    const { attempt } = round.session;
    const awaited = awaitedInStep(round, step);
    const place = `${round.round} ${attempt} ${step} ${phase.deadlineMillis}`;
    const isDue = awaited.length > 0 && awaited.every((site) => isAway({ site, round: round.round, attempt, step }));
    if (!isDue || place === passed) continue;
    passed = place;
    consortium.passTime(phase.deadlineMillis - consortium.now() + 1);
  }
}
