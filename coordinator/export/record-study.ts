/** Reads a study's record out of its state. Pure; what it needs beside the state is the plan itself. */
import type { RoundState, SiteState, StudyState } from '@wardround/protocols/round/state.ts';
import { sessionParameters } from '@wardround/protocols/secure-aggregation/parameters.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { LeftOut, RoundRecord, SiteRecord, StageRecord, StudyRecord } from './study-record.ts';

export function recordStudy(state: StudyState, plan: StudyPlan): StudyRecord {
  const sites = Object.entries(state.sites).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    plan,
    hash: state.study,
    state: outcomeOf(state),
    failure: state.phase.kind === 'failed' ? state.phase.reason : null,
    launchedMillis: state.launchedAtMillis,
    endedMillis: state.endedAtMillis,
    sites: sites.flatMap(([site, siteState]) => siteRecord(site, siteState)),
    absent: sites.flatMap(([site, siteState]) => absence(site, siteState)),
    stages: state.stages.map((stage, index): StageRecord => {
      const rounds = stage.rounds.flatMap(roundRecord);
      const over = stage.rounds.filter(({ outcome }) => outcome !== null && outcome.kind !== 'failed');
      const ended = over.length === state.rules.stages[index]?.rounds;
      return { name: stage.name, initial: stage.initialModel, final: ended ? stage.model : null, rounds };
    }),
    evaluations: Object.entries(state.evaluation?.reports ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([site, { report }]) => ({ site, report })),
    evaluationLeftOut: [...(state.evaluation?.missing ?? [])],
  };
}

function outcomeOf({ phase }: StudyState): StudyRecord['state'] {
  switch (phase.kind) {
    case 'finished':
    case 'failed':
    case 'aborted':
      return phase.kind;
    default:
      return 'running';
  }
}

function siteRecord(site: string, state: SiteState): SiteRecord[] {
  if (state.status === 'invited' || state.ready === null) return [];
  const { inventory, quarantine, engine } = state.ready;
  return [{ site, inventory, quarantine, engine }];
}

function absence(site: string, state: SiteState): LeftOut[] {
  switch (state.status) {
    case 'invited':
      return [{ site, reason: 'no-answer' }];
    case 'declined':
      return [{ site, reason: state.reason }];
    case 'ready':
      return [];
    default:
      state satisfies never;
      return [];
  }
}

/** Of a round that was rolled back no site's update is in the model. */
function rolledBack({ outcome, accepted }: RoundState): LeftOut[] {
  if (outcome?.kind !== 'rolled-back') return [];
  return accepted.map(({ site }) => ({ site, reason: outcome.reason }));
}

function sessionRecord({ session }: RoundState): Pick<RoundRecord, 'session'> {
  const sites = session?.steps['share-keys']?.sites.length;
  if (session === undefined || sites === undefined) return {};
  return { session: { sites, threshold: sessionParameters(sites).threshold, aborted: session.aborts.length } };
}

function trainedSites({ accepted, session }: RoundState): NonNullable<RoundRecord['trained']> {
  const said = { ...session?.trained };
  for (const { site, figures } of accepted) said[site] = figures;
  return Object.keys(said)
    .sort()
    .map((site) => ({ site, steps: said[site]!.steps }));
}

/** An open round is not in the record yet. */
function roundRecord(round: RoundState): RoundRecord[] {
  const { outcome } = round;
  if (outcome === null) return [];
  const added = outcome.kind === 'committed' ? outcome.participants : [];
  const hasNoResult = outcome.kind === 'failed' || outcome.kind === 'skipped';
  return [
    {
      round: round.round,
      startedMillis: round.openedAtMillis,
      ...sessionRecord(round),
      endedMillis: outcome.atMillis,
      participants: round.accepted
        .filter(({ site }) => added.includes(site))
        .map(({ site, figures, bytes }) => ({ site, figures, bytesSent: bytes }))
        .sort((a, b) => (a.site < b.site ? -1 : 1)),
      leftOut: [...round.leftOut, ...rolledBack(round)],
      trained: trainedSites(round),
      model: hasNoResult ? round.startModel : outcome.model,
      failure: hasNoResult ? outcome.reason : null,
    },
  ];
}
