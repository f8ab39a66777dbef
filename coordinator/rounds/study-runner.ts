/**
 * Runs one study: takes inputs in turn, writes what they cause to the journal, and only then lets it be so. Alarms are the
 * state's own deadlines and effects follow from the state, so a runner made from a journal goes on where that one ended.
 */
import { applyEvent } from '@wardround/protocols/round/apply-event.ts';
import type { Decision } from '@wardround/protocols/round/decision.ts';
import { type Effect, pendingEffect } from '@wardround/protocols/round/effects.ts';
import type { StudyEvent } from '@wardround/protocols/round/events.ts';
import { decide, nextDeadline, onTime } from '@wardround/protocols/round/machine.ts';
import { currentRound, isOver, type StudyState } from '@wardround/protocols/round/state.ts';
import type { StudyInput } from '@wardround/protocols/round/study-input.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { failpoint } from '@wardround/shared/failpoints/failpoint.ts';
import type { Logger } from 'pino';
import type { ModelWork } from '../aggregation/model-work.ts';
import type { Journal } from '../storage/journal.ts';
import type { Clock } from './clock.ts';
import { failpointPhase } from './failpoint-phase.ts';
import { createInTurn } from './in-turn.ts';
import { createJournalCursor } from './journal-cursor.ts';
import { rebuildParty, SessionBrokenError, type SessionParts, unmaskSession } from './session/session-party.ts';

export interface StudyRunner {
  readonly plan: StudyPlan;
  state(): StudyState;
  /** Resolves when what the input caused is durable. */
  submit(input: StudyInput): Promise<Decision>;
  /** What `submit` would decide now; changes nothing. */
  preview(input: StudyInput): Decision;
  /** Arms the alarm and begins what the state asks for. */
  start(): void;
  /** Resolves when nothing is being written any more. */
  stop(): Promise<void>;
}

export interface RunnerParts {
  readonly journal: Journal;
  readonly work: ModelWork;
  readonly sessions: SessionParts;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called after the events are durable and before the input is acknowledged. */
  readonly onChange: (before: StudyState, after: StudyState) => void;
  /** Called with the blobs that an effect made, once the study has taken them or not. */
  readonly onMade?: (blobs: readonly Sha256Hex[]) => void;
}

/** Waits between attempts at an effect that failed: a full disk may be cleared meanwhile. About five minutes in all. */
const effectRetryMillis = [1000, 2000, 4000, 8000, 15_000, ...Array<number>(9).fill(30_000)];
/** How soon to try again when the journal could not be written on an alarm. */
const alarmRetryMillis = 5000;

export function createStudyRunner(
  study: { readonly plan: StudyPlan; readonly events: readonly StudyEvent[] },
  parts: RunnerParts,
): StudyRunner {
  const { journal, work, sessions, clock, onChange } = parts;
  const { plan } = study;
  const folded = study.events.reduce<StudyState | null>(applyEvent, null);
  if (folded === null) throw new RangeError('Cannot run a study without events');

  let state = folded;
  const stored = createJournalCursor(journal, { study: state.study, known: study.events.length });
  const log = parts.log.child({ study: state.study.slice(0, 12) });
  const inTurn = createInTurn();
  const stopping = new AbortController();
  let cancelAlarm = (): void => undefined;
  let runningEffect: string | null = null;

  const append = async (events: readonly StudyEvent[]): Promise<void> => {
    if (stopping.signal.aborted) throw new Error('Cannot change the study: its coordinator is stopping');
    if (events.length === 0) return;
    const next = events.reduce<StudyState>(applyEvent, state);
    failpoint(failpointPhase(events), 'before-journal');
    await stored.append(events);
    failpoint(failpointPhase(events), 'after-journal');
    follow(events, next);
  };

  const follow = (events: readonly StudyEvent[], next: StudyState): void => {
    const before = state;
    state = next;
    for (const event of events) log.info(loggable(event), event.kind);
    onChange(before, next);
    proceed();
  };

  /** Takes up what was stored by an append that seemed to fail. */
  const catchUp = async (): Promise<void> => {
    const events = await stored.missed();
    if (events.length > 0) follow(events, events.reduce<StudyState>(applyEvent, state));
  };

  const submit = (input: StudyInput): Promise<Decision> =>
    inTurn(async () => {
      await catchUp();
      const decision = decide(state, input, clock.now());
      await append(decision.events);
      return decision;
    });

  const ring = (): void => {
    const task = async (): Promise<void> => {
      await catchUp();
      await append(onTime(state, clock.now()));
    };
    inTurn(task).then(proceed, (error: unknown) => {
      log.error({ problem: nameOf(error) }, 'the journal cannot be written');
      setAlarm(clock.now() + alarmRetryMillis);
    });
  };

  const setAlarm = (timeMillis: number | null): void => {
    cancelAlarm();
    if (timeMillis !== null && !stopping.signal.aborted) cancelAlarm = clock.at(timeMillis, ring);
  };

  function proceed(): void {
    setAlarm(nextDeadline(state));
    const effect = pendingEffect(state);
    const name = effect && JSON.stringify([effect.kind, effect.stage, 'round' in effect && effect.round]);
    if (effect === null || name === runningEffect || stopping.signal.aborted) return;
    runningEffect = name;
    void runEffect(effect).finally(() => {
      if (runningEffect === name) runningEffect = null;
      if (!stopping.signal.aborted) proceed();
    });
  }

  const pause = (millis: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.at(clock.now() + millis, resolve);
      stopping.signal.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });

  const runEffect = async (effect: Effect): Promise<void> => {
    for (const retryMillis of [...effectRetryMillis, null]) {
      try {
        const done = await perform(effect, { plan, state, work, sessions });
        const { events } = await submit(done);
        // A study that was aborted meanwhile has no use for it, and a result that is rolled back is not kept.
        parts.onMade?.(blobsIn(done));
        failpoint(failpointPhase(events), 'after-ack');
        return;
      } catch (error) {
        if (stopping.signal.aborted || isOver(state)) return;
        log.error({ effect: effect.kind, problem: nameOf(error) }, 'an effect failed');
        if (retryMillis !== null) await pause(retryMillis);
        if (stopping.signal.aborted) return;
      }
    }
    await submit(giveUp(effect)).catch(() => undefined);
  };

  return {
    plan,
    state: () => state,
    submit,
    preview: (input) => decide(state, input, clock.now()),
    start: proceed,
    async stop() {
      stopping.abort();
      cancelAlarm();
      await inTurn(async () => undefined);
    },
  };
}

async function perform(
  effect: Effect,
  {
    plan,
    state,
    work,
    sessions,
  }: {
    readonly plan: StudyPlan;
    readonly state: StudyState;
    readonly work: ModelWork;
    readonly sessions: SessionParts;
  },
): Promise<StudyInput> {
  switch (effect.kind) {
    case 'prepare-stage': {
      const { stage } = effect;
      return { kind: 'stage-prepared', stage, ...(await work.prepareStage({ plan, stage })) };
    }
    case 'aggregate': {
      const { stage, round, startModel, optimiserState } = effect;
      let unmasked: ReturnType<typeof unmaskSession> | null = null;
      if (currentRound(state)?.session !== undefined) {
        try {
          unmasked = unmaskSession(await rebuildParty({ state, plan }, sessions));
        } catch (error) {
          if (!(error instanceof SessionBrokenError)) throw error;
          return { kind: 'round-unfit', stage, round, reason: error.reason, suspect: error.suspect };
        }
      }
      const result = await work.aggregate({
        plan,
        study: state.study,
        stage,
        round,
        startModel,
        optimiserState,
        sites: effect.sites.length,
        updates: effect.updates.map(({ site, blob }) => ({ site, blob })),
        ...(unmasked !== null && { instructions: unmasked.instructions }),
      });
      const transcript = unmasked !== null && { transcript: unmasked.transcript };
      if (result.kind === 'sum-wrong') {
        return { kind: 'round-unfit', stage, round, reason: result.reason, suspect: null, ...transcript };
      }
      if (result.kind === 'aggregated') {
        return { ...result, stage, round, ...transcript };
      }
      // Once shares were revealed there is no other sum of this round: it cannot go on without one of its vectors.
      const { site, reason } = result;
      if (unmasked !== null) return { kind: 'round-unfit', stage, round, reason, suspect: site, ...transcript };
      return { kind: 'update-unusable', stage, round, site, reason };
    }
    default:
      return effect satisfies never;
  }
}

function giveUp(effect: Effect): StudyInput {
  if (effect.kind === 'prepare-stage') return { kind: 'give-up', reason: 'stage-preparation-failed' };
  const { stage, round } = effect;
  return { kind: 'round-unfit', stage, round, reason: 'aggregation-failed', suspect: null };
}

function blobsIn(done: StudyInput): Sha256Hex[] {
  if (done.kind === 'stage-prepared') return [done.model];
  if (done.kind !== 'aggregated') return [];
  return [done.model, done.optimiserState, done.sum].flatMap((hash) => hash ?? []);
}

/** The event's names and numbers; reports and figures have their own place. */
function loggable(event: StudyEvent): Record<string, unknown> {
  const { kind, atMillis, ...fields } = event;
  return Object.fromEntries(
    Object.entries(fields).filter(([name]) => !['ready', 'report', 'rules', 'figures', 'study'].includes(name)),
  );
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
