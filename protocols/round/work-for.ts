/** What a site should do next in one study. */
import type { Work } from '../session/messages.ts';
import { awaitedInStep } from './session-state.ts';
import { currentRound, currentStage, isOver, type StudyState, unanswered } from './state.ts';

/** Null when this study has nothing for the site now. */
export function workFor(state: StudyState, site: string): Work | null {
  const asked = state.sites[site];
  if (asked === undefined || isOver(state) || state.paused !== undefined) return null;
  const reference = { study: state.study, name: state.name, planBlob: state.planBlob };

  if (asked.status === 'declined') return null;
  if (asked.status === 'invited') {
    if (state.evaluation !== null) return null;
    // Whoever is late for the start may still join from a later round: it has until the last one.
    const deadlineMillis =
      state.phase.kind === 'waiting-for-sites' ? state.phase.deadlineMillis : lastPossibleStart(state);
    return { kind: 'prepare', ...reference, deadlineMillis };
  }

  if (state.phase.kind === 'training') {
    const stage = currentStage(state);
    const round = currentRound(state);
    if (stage === undefined || round === undefined || !unanswered(round).includes(site)) return null;
    const sliceStage = state.stages.slice(0, -1).findLast(({ kind }) => kind === 'slice-pretraining');
    return {
      kind: 'train',
      ...reference,
      stage: stage.name,
      round: round.round,
      model: round.startModel,
      sliceEncoder: sliceStage?.model ?? null,
      sites: round.sites.length,
      deadlineMillis: state.phase.deadlineMillis,
    };
  }

  if (state.phase.kind === 'secure-session') {
    const { step, deadlineMillis } = state.phase;
    const stage = currentStage(state);
    const round = currentRound(state);
    if (stage === undefined || round?.session === undefined || !awaitedInStep(round, step).includes(site)) return null;
    return {
      kind: 'secure-session',
      ...reference,
      stage: stage.name,
      round: round.round,
      attempt: round.session.attempt,
      step,
      model: round.startModel,
      sites: round.sites.length,
      ...(step === 'advertise' &&
        round.session.cohorts !== undefined && { trained: round.session.cohorts.flat().sort() }),
      deadlineMillis,
    };
  }

  if (state.phase.kind === 'evaluating' && state.evaluation !== null) {
    if (!state.evaluation.sites.includes(site) || state.evaluation.reports[site] !== undefined) return null;
    return {
      kind: 'evaluate',
      ...reference,
      models: state.stages.map(({ name, initialModel, model }) => ({
        stage: name,
        initial: initialModel,
        final: model,
      })),
      deadlineMillis: state.phase.deadlineMillis,
    };
  }
  return null;
}

function lastPossibleStart(state: StudyState): number {
  const begun = state.stages.reduce((sum, stage) => sum + stage.rounds.length, 0);
  const planned = state.rules.stages.reduce((sum, stage) => sum + stage.rounds, 0);
  const since = currentRound(state)?.openedAtMillis ?? state.launchedAtMillis;
  return Math.round(since + Math.max(1, planned - begun + 1) * state.rules.roundWindowMillis);
}
