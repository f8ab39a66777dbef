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
import { type Journal, JournalConflictError } from '../storage/journal.ts';
import { FencedOutError, type Lease } from '../storage/leases.ts';
import type { Clock } from './clock.ts';
import { failpointPhase } from './failpoint-phase.ts';
import { createInTurn } from './in-turn.ts';
import { createJournalCursor } from './journal-cursor.ts';
import { aggregateCohorts } from './session/aggregate-cohorts.ts';
import { rebuildParty, SessionBrokenError, type SessionParts, unmaskSession } from './session/session-party.ts';

export interface StudyRunner {
  readonly plan: StudyPlan;
  state(): StudyState;
  /** Resolves when what the input caused is durable. */
  submit(input: StudyInput): Promise<Decision>;
  /** What `submit` would decide now; changes nothing. */
  preview(input: StudyInput): Decision;
  /** Arms the alarm and begins what the state asks for, where no other replica could. */
  start(): void;
  /** Takes up what other replicas have appended. */
  follow(): Promise<void>;
  /** How many events of the journal the state is the fold of. */
  position(): number;
  /** Alarms and effects are this replica's for as long as it holds the study's lease; null when it does not, or no longer. */
  lead(lease: Lease | null): void;
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
  /**
   * Whether other replicas run the study too: each takes inputs, and appends what they cause where nobody has appended
   * meanwhile; alarms and effects are for the one that leads.
   */
  readonly isShared?: boolean;
  /** Called with the blobs that an effect made, once the study has taken them or not. */
  readonly onMade?: (blobs: readonly Sha256Hex[]) => void;
}

/** Waits between attempts at an effect that failed: a full disk may be cleared meanwhile. About five minutes in all. */
const effectRetryMillis = [1000, 2000, 4000, 8000, 15_000, ...Array<number>(9).fill(30_000)];
/** Replicas that append at the same time: each decides anew as often as others were quicker. */
const mostConflicts = 50;
/** How soon to try again when the journal could not be written on an alarm. */
const alarmRetryMillis = 5000;

export function createStudyRunner(
  study: { readonly plan: StudyPlan; readonly events: readonly StudyEvent[] },
  parts: RunnerParts,
): StudyRunner {
  const { journal, work, sessions, clock, onChange, isShared = false } = parts;
  const { plan } = study;
  const folded = study.events.reduce<StudyState | null>(applyEvent, null);
  if (folded === null) throw new RangeError('Cannot run a study without events');

  let state = folded;
  const stored = createJournalCursor(journal, { study: state.study, known: study.events.length, isShared });
  const log = parts.log.child({ study: state.study.slice(0, 12) });
  const inTurn = createInTurn();
  const stopping = new AbortController();
  let cancelAlarm = (): void => undefined;
  let runningEffect: string | null = null;
  let isStarted = false;
  let lease: Lease | null = null;
  const leads = (): boolean => !stopping.signal.aborted && (isShared ? lease !== null : isStarted);

  const append = async (events: readonly StudyEvent[], held?: Lease): Promise<void> => {
    if (stopping.signal.aborted) throw new Error('Cannot change the study: its coordinator is stopping');
    if (events.length === 0) return;
    const next = events.reduce<StudyState>(applyEvent, state);
    failpoint(failpointPhase(events), 'before-journal');
    await stored.append(events, held);
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

  /** Decides on what the journal says, and again when another replica has appended meanwhile. */
  const change = <Decided extends Pick<Decision, 'events'>>(make: () => Decided, held?: Lease): Promise<Decided> =>
    inTurn(async () => {
      for (let conflicts = 0; ; conflicts++) {
        await catchUp();
        const decided = make();
        try {
          await append(decided.events, held);
          return decided;
        } catch (error) {
          if (!isShared || !(error instanceof JournalConflictError) || conflicts === mostConflicts) throw error;
        }
      }
    });

  const submitAs = (input: StudyInput, held?: Lease): Promise<Decision> =>
    change(() => decide(state, input, clock.now()), held);
  const submit = (input: StudyInput): Promise<Decision> => submitAs(input);

  /** Another replica leads: what this one has under way for the study is of no use any more. */
  const stepDown = (fenced: Lease | undefined): void => {
    if (lease === null || fenced !== lease) return;
    lease = null;
    cancelAlarm();
  };

  const ring = (): void => {
    if (!leads()) return;
    const held = lease ?? undefined;
    change(() => ({ events: onTime(state, clock.now()) }), held).then(proceed, (error: unknown) => {
      if (error instanceof FencedOutError) return stepDown(held);
      log.error({ problem: nameOf(error) }, 'the journal cannot be written');
      setAlarm(clock.now() + alarmRetryMillis);
    });
  };

  const setAlarm = (timeMillis: number | null): void => {
    cancelAlarm();
    if (timeMillis !== null && leads()) cancelAlarm = clock.at(timeMillis, ring);
  };

  function proceed(): void {
    setAlarm(nextDeadline(state));
    const effect = pendingEffect(state);
    const name = effect && JSON.stringify([effect.kind, effect.stage, 'round' in effect && effect.round]);
    if (effect === null || name === runningEffect || !leads()) return;
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
    const held = lease ?? undefined;
    for (const retryMillis of [...effectRetryMillis, null]) {
      try {
        const done = await perform(effect, { plan, state, work, sessions });
        const { events } = await submitAs(done, held);
        // A study that was aborted meanwhile has no use for it, and a result that is rolled back is not kept.
        parts.onMade?.(blobsIn(done));
        failpoint(failpointPhase(events), 'after-ack');
        return;
      } catch (error) {
        if (error instanceof FencedOutError) return stepDown(held);
        if (isOver(state) || !stillLeads(held)) return;
        log.error({ effect: effect.kind, problem: nameOf(error) }, 'an effect failed');
        if (retryMillis !== null) await pause(retryMillis);
        if (!stillLeads(held)) return;
      }
    }
    await submitAs(giveUp(effect), held).catch(() => undefined);
  };

  const stillLeads = (held: Lease | undefined): boolean => leads() && (lease ?? undefined) === held;

  return {
    plan,
    state: () => state,
    submit,
    preview: (input) => decide(state, input, clock.now()),
    start() {
      isStarted = true;
      proceed();
    },
    follow: () => inTurn(catchUp),
    position: stored.position,
    lead(held) {
      if (held?.epoch === lease?.epoch) return;
      lease = held;
      if (held === null) return cancelAlarm();
      // Nobody led for a while, if only for as long as a lease: sites are given the time to come back.
      submitAs({ kind: 'restarted' }, held).then(proceed, (error: unknown) => {
        if (error instanceof FencedOutError) return stepDown(held);
        log.error({ problem: nameOf(error) }, 'the journal cannot be written');
        setAlarm(clock.now() + alarmRetryMillis);
      });
    },
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
      if (effect.cohorts !== undefined)
        return aggregateCohorts({ ...effect, cohorts: effect.cohorts }, { plan, state, work, sessions });
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
      if (result.kind === 'cohort-wrong') {
        return { kind: 'round-unfit', stage, round, reason: result.reason, suspect: result.suspect, ...transcript };
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
  return [done.model, done.optimiserState, done.sum, ...(done.cohortSums ?? [])].flatMap((hash) => hash ?? []);
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
