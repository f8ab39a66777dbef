/** Whatever arrives in whatever order, the machine stays in a legal state and ends by its deadlines. */
import { createRandom, type SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { PHASES } from '../secure-aggregation/messages.ts';
import { applyEvent } from './apply-event.ts';
import { pendingEffect } from './effects.ts';
import { StudyEvent } from './events.ts';
import { decide, nextDeadline, onTime } from './machine.ts';
import type { SessionStep } from './session-state.ts';
import { currentRound, isOver, type StudyState, stateHash } from './state.ts';
import type { StudyInput } from './study-input.ts';
import { workFor } from './work-for.ts';

const sites = ['basel', 'geneva', 'lugano', 'zurich'];
const stageNames = ['slices', 'alignment', 'other'];
const figures = { loss: 1, steps: 2, samples: 3, seconds: 4 };

describe('the round machine, on random inputs', () => {
  test('stays legal, replays to the same state, and reaches its end by its deadlines', () => {
    const endings = new Map<string, number>();
    const seen = new Map<string, number>();
    const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
    for (let seed = 0; seed < 600; seed++) {
      const { state, journal } = withSeed(seed, () => runStudy(createRandom(seed)));
      endings.set(state.phase.kind, (endings.get(state.phase.kind) ?? 0) + 1);
      if (state.phase.kind === 'failed') count(state.phase.reason);
      const isSession = state.rules.sessionWindowMillis !== undefined;
      for (const { kind } of journal) count(isSession ? `session ${kind}` : kind);
    }
    // The run proves nothing if it does not get around.
    expect([...endings.keys()].sort()).toEqual(['aborted', 'failed', 'finished']);
    expect(endings.get('finished')).toBeGreaterThan(40);
    const often = ['round-rolled-back', 'round-skipped', 'quorum-reached', 'deadline-extended', 'study-resumed'];
    const inSessions = ['session-aborted', 'session-conflict', 'round-committed', 'round-closed', 'site-left-out'];
    const names = [...often, ...[...inSessions, ...often].map((kind) => `session ${kind}`)];
    for (const what of [...names, 'too-many-rollbacks', 'too-many-skipped-rounds', 'quorum-not-met']) {
      expect([what, seen.get(what) ?? 0]).toEqual([what, expect.toSatisfy((times: number) => times > 5)]);
    }
  });
});

/** A failing run says how to repeat it. */
function withSeed<Result>(seed: number, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    if (error instanceof Error) error.message = `with seed ${seed}: ${error.message}`;
    throw error;
  }
}

function runStudy(random: SeededRandom): { readonly state: StudyState; readonly journal: readonly StudyEvent[] } {
  const journal: StudyEvent[] = [launch(random)];
  let state = applyEvent(null, journal[0]!);
  let now = 0;

  const append = (events: readonly StudyEvent[]): void => {
    for (const event of events) {
      expect(StudyEvent.safeParse(event).error).toBeUndefined();
      state = applyEvent(state, event);
      journal.push(event);
    }
    expectLegal(state);
  };

  // Cooperative studies mostly do what they are asked, others mostly do not.
  const cooperation = random.next();
  const inputs = state.rules.sessionWindowMillis === undefined ? 120 : 400;
  for (let i = 0; i < inputs && !isOver(state); i++) {
    now += random.int(state.rules.sessionWindowMillis === undefined ? 40 : 12);
    const before = state;
    const { events, refusal } = decide(state, randomInput(random, { state, cooperation }), now);
    append(events);
    if (typeof refusal === 'string' && events.length === 0) expect(state).toBe(before);
    expect(onTime(state, now)).toEqual([]);
  }

  // Left alone, with its own effects done at once and unless it is paused, it ends within its deadlines.
  if (state.paused !== undefined) {
    expect(nextDeadline(state)).toBeNull();
    expect(onTime(state, now + 1e9)).toEqual([]);
    append(decide(state, { kind: 'resume' }, now).events);
  }
  for (let steps = 0; !isOver(state); steps++) {
    expect(steps).toBeLessThan(200);
    const effect = effectInput(state);
    if (effect !== null) {
      append(decide(state, effect, now).events);
      continue;
    }
    now = Math.max(now, nextDeadline(state) ?? now);
    const due = onTime(state, now);
    expect(due).not.toEqual([]);
    append(due);
  }
  const replayed = journal.reduce<StudyState | null>(applyEvent, null);
  expect(replayed && stateHash(replayed)).toBe(stateHash(state));
  expectOneReveal(journal);
  return { state, journal };
}

/** Once shares may have been revealed, no other session of the round begins; and no round is attempted twice. */
function expectOneReveal(journal: readonly StudyEvent[]): void {
  const revealed = new Set<string>();
  const opened = new Set<string>();
  for (const event of journal) {
    const place = 'round' in event ? `${event.stage} ${event.round}` : '';
    if (event.kind === 'round-opened') {
      expect(opened).not.toContain(place);
      opened.add(place);
    }
    if (event.kind !== 'session-step-opened') continue;
    expect(revealed).not.toContain(place);
    if (event.step === 'unmask') revealed.add(place);
  }
}

function launch(random: SeededRandom): StudyEvent {
  return {
    kind: 'study-launched',
    atMillis: 0,
    study: 'a'.repeat(64),
    name: 'pilot',
    planBlob: 'b'.repeat(64),
    rules: {
      quorum: 1 + random.int(3),
      readyWindowMillis: 400,
      roundWindowMillis: 300,
      evaluationWindowMillis: 200,
      ...(random.int(2) === 0 && {
        gate: { normMultiple: 2, lossRise: 0.1, maximumRollbacks: random.int(4) },
      }),
      ...(random.int(2) === 0 && { sessionWindowMillis: 150 }),
      ...(random.int(2) === 0 && { graceMillis: random.int(350) }),
      ...(random.int(3) > 0 && { maximumSkippedRounds: 1 + random.int(3) }),
      stages: [
        { name: 'slices', kind: 'slice-pretraining', rounds: 1 + random.int(6) },
        { name: 'alignment', kind: 'alignment', rounds: 1 },
      ],
    },
    sites: sites.slice(0, 2 + random.int(3)),
    deadlineMillis: 400,
  };
}

function effectInput(state: StudyState, updateNorm?: number): StudyInput | null {
  const effect = pendingEffect(state);
  if (effect === null) return null;
  const model = hash(`${effect.kind}${state.stages.length}`);
  if (effect.kind === 'prepare-stage')
    return { kind: 'stage-prepared', stage: effect.stage, layout: hash('layout'), model };
  const { stage, round } = effect;
  return {
    kind: 'aggregated',
    stage,
    round,
    model,
    optimiserState: null,
    ...(updateNorm !== undefined && { updateNorm }),
  };
}

function randomInput(
  random: SeededRandom,
  { state, cooperation }: { readonly state: StudyState; readonly cooperation: number },
): StudyInput {
  const isCooperative = random.next() < cooperation;
  const busy = isCooperative ? sites.filter((name) => workFor(state, name) !== null) : [];
  const site = busy[random.int(Math.max(1, busy.length))] ?? sites[random.int(sites.length)]!;
  const blob = hash(`blob${random.int(3)}`);
  if (isCooperative) {
    const effect = effectInput(state, random.int(3) === 0 ? 100 : 1);
    if (effect !== null) return effect;
    const work = workFor(state, site);
    if (work?.kind === 'prepare') return readyInput(site, 0);
    if (work?.kind === 'secure-session') return sessionMessage(site, work, random);
    if (work?.kind === 'train') {
      const { stage, round, model } = work;
      if (state.rules.sessionWindowMillis !== undefined) {
        return sessionMessage(site, { ...work, attempt: 1, step: 'advertise' }, random);
      }
      return {
        kind: 'update',
        site,
        stage,
        round,
        model,
        blob,
        layout: hash('layout'),
        figures: { ...figures, loss: 1 + random.next() },
        bytes: 1,
        finding: null,
      };
    }
    if (work?.kind === 'evaluate') return evaluationInput(site, 0);
  }
  const stage = stageNames[random.int(3)]!;
  const round = 1 + random.int(3);
  switch (random.int(18)) {
    case 12:
      return random.int(3) === 0 ? { kind: 'pause' } : { kind: 'resume' };
    case 13:
      return { kind: 'resume' };
    case 14: {
      const suspect = random.int(2) === 0 ? site : null;
      const attempt = currentRound(state)?.session?.attempt ?? 1;
      const place = { stage: state.stages.length - 1, round: currentRound(state)?.round ?? 1, attempt };
      return { kind: 'session-broken', ...place, reason: 'share-wrong', suspect };
    }
    case 15: {
      const place = { stage: state.stages.length - 1, round: currentRound(state)?.round ?? 1 };
      return { kind: 'round-unfit', ...place, reason: 'canary-wrong', suspect: random.int(2) === 0 ? site : null };
    }
    case 16: {
      const open = currentRound(state);
      const step = PHASES[random.int(2)]!;
      const place = { stage: state.stages.at(-1)?.name ?? stage, round: open?.round ?? 1 };
      return sessionMessage(site, { ...place, attempt: open?.session?.attempt ?? 1, step }, random);
    }
    case 17: {
      const step = PHASES[random.int(PHASES.length)]!;
      return sessionMessage(site, { stage, round, attempt: 1 + random.int(3), step }, random);
    }
    case 0:
      return { kind: 'invite', site };
    case 1:
      return readyInput(site, random.int(2));
    case 2:
      return { kind: 'decline', site, reason: 'not-approved' };
    case 3:
      return { kind: 'decline-round', site, stage, round, reason: 'update-not-finite' };
    case 4:
      return evaluationInput(site, random.int(2));
    case 5:
      return random.int(20) === 0 ? { kind: 'abort' } : { kind: 'restarted' };
    case 6:
      return { kind: 'stage-prepared', stage: random.int(3), layout: hash('layout'), model: hash('late') };
    case 7:
      return { kind: 'aggregated', stage: random.int(2), round, model: hash('late'), optimiserState: null };
    case 8:
      return { kind: 'update-unusable', stage: random.int(2), round, site, reason: 'update-damaged' };
    case 9:
      return random.int(20) === 0 ? { kind: 'give-up', reason: 'aggregation-failed' } : { kind: 'restarted' };
    default: {
      const model =
        random.int(3) === 0 ? hash('elsewhere') : (state.stages.at(-1)?.rounds.at(-1)?.startModel ?? hash('none'));
      const finding = random.int(3) === 0 ? 'update-out-of-range' : null;
      const layout = hash(random.int(4) === 0 ? 'other layout' : 'layout');
      return { kind: 'update', site, stage, round, model, blob, layout, figures, bytes: 1, finding };
    }
  }
}

function sessionMessage(
  site: string,
  place: { readonly stage: string; readonly round: number; readonly attempt: number; readonly step: SessionStep },
  random: SeededRandom,
): StudyInput {
  const { stage, round, attempt, step } = place;
  return {
    kind: 'session-message',
    site,
    stage,
    round,
    attempt,
    step,
    body: hash(`${step}${attempt}${random.int(6) === 0 ? 'other' : ''}${site}`),
    figures: step === 'advertise' ? { ...figures, loss: random.int(4) === 0 ? null : 1 + random.next() } : null,
    vector: step === 'masked-input' ? { blob: hash(`vector${attempt}${site}`), bytes: 1 } : null,
    finding: random.int(20) === 0 ? 'signature-wrong' : null,
  };
}

function readyInput(site: string, patients: number): StudyInput {
  const counts = { series: 0, slices: 0, nonHounsfieldSeries: 0, clinical: 0, expression: 0, linked: 0, heldOut: 0 };
  return {
    kind: 'ready',
    site,
    ready: { inventory: { patients, ...counts }, quarantine: {}, engine: { kind: 'plain', description: 'plain' } },
  };
}

function evaluationInput(site: string, variant: number): StudyInput {
  const skipped = variant === 0 ? [] : [{ task: 'stage', reason: 'one-class-only' }];
  return { kind: 'evaluation', site, report: { results: [], retrieval: [], skipped }, bytes: 1 };
}

function expectLegal(state: StudyState): void {
  const resting = ['between-rounds', 'before-evaluation', 'evaluated'];
  if (state.paused === undefined) expect(resting).not.toContain(state.phase.kind);
  else for (const site of Object.keys(state.sites)) expect(workFor(state, site)).toBeNull();
  expect(isOver(state)).toBe(state.endedAtMillis !== null);
  let rolledBack = 0;
  let skipped = 0;
  state.stages.forEach((stage, index) => {
    const rule = state.rules.stages[index]!;
    expect(stage.rounds.length).toBeLessThanOrEqual(rule.rounds);
    let model = stage.initialModel;
    stage.rounds.forEach((round, roundIndex) => {
      const isLast = index === state.stages.length - 1 && roundIndex === stage.rounds.length - 1;
      expect(round.round).toBe(roundIndex + 1);
      expect(round.startModel).toBe(model);
      const accepted = round.accepted.map(({ site }) => site);
      const leftOut = round.leftOut.map(({ site }) => site);
      // Each site is in the round once: added, left out, or still awaited.
      expect(new Set([...accepted, ...leftOut]).size).toBe(accepted.length + leftOut.length);
      for (const site of [...accepted, ...leftOut]) expect(round.sites).toContain(site);
      expect(round.sites.length).toBeGreaterThanOrEqual(state.rules.quorum);
      if (!isLast) expect(['committed', 'rolled-back', 'skipped']).toContain(round.outcome?.kind);
      skipped = round.outcome?.kind === 'skipped' ? skipped + 1 : 0;
      expect(skipped).toBeLessThanOrEqual(state.rules.maximumSkippedRounds ?? 0);
      if (round.outcome?.kind === 'rolled-back') {
        // Never to a model that no round started from.
        expect(stage.rounds.map(({ startModel }) => startModel)).toContain(round.outcome.model);
        rolledBack += 1;
        model = round.outcome.model;
      }
      if (round.outcome?.kind === 'committed') {
        expect(round.outcome.participants).toEqual(accepted.toSorted());
        expect(accepted.length).toBeGreaterThanOrEqual(state.rules.quorum);
        expect(accepted.length + leftOut.length).toBe(round.sites.length);
        model = round.outcome.model;
      }
    });
    expect(stage.model).toBe(model);
  });
  expect(rolledBack).toBeLessThanOrEqual(state.rules.gate?.maximumRollbacks ?? 0);
  if (state.phase.kind === 'finished') {
    expect(state.stages.map(({ rounds }) => rounds.length)).toEqual(state.rules.stages.map(({ rounds }) => rounds));
    for (const { rounds } of state.stages) expect(rounds.some(({ outcome }) => outcome?.kind !== 'skipped')).toBe(true);
  }
}

function hash(label: string): string {
  return Buffer.from(label.padEnd(32, '.').slice(0, 32)).toString('hex');
}
