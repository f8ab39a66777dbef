/** Makes the sums of a round's cohorts, and moves the model by a robust rule over them. */
import type { Effect } from '@wardround/protocols/round/effects.ts';
import { currentRound, type StudyState } from '@wardround/protocols/round/state.ts';
import type { StudyInput } from '@wardround/protocols/round/study-input.ts';
import { cohortsTranscriptHash } from '@wardround/protocols/secure-aggregation/transcript.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { AggregationRequest, ModelWork } from '../../aggregation/model-work.ts';
import { cohortOfSite, rebuildParty, SessionBrokenError, type SessionParts, unmaskSession } from './session-party.ts';

type Aggregate = Extract<Effect, { kind: 'aggregate' }>;

/** What came of it; a cohort without a sum is named, and the round goes on without it. */
export async function aggregateCohorts(
  effect: Aggregate & { readonly cohorts: NonNullable<Aggregate['cohorts']> },
  parts: {
    readonly plan: StudyPlan;
    readonly state: StudyState;
    readonly work: ModelWork;
    readonly sessions: SessionParts;
  },
): Promise<StudyInput> {
  const { plan, state, work, sessions } = parts;
  const { stage, round, startModel, optimiserState } = effect;
  if (currentRound(state)?.round !== round) throw new RangeError('Cannot aggregate: the round is over');
  const cohorts: NonNullable<AggregationRequest['cohorts']>[number][] = [];
  const transcripts: Sha256Hex[] = [];
  for (const { cohort, members } of effect.cohorts) {
    try {
      const party = await rebuildParty({ state, plan, cohort: cohortOfSite(state, members[0] ?? '') }, sessions);
      const { instructions, transcript } = unmaskSession(party);
      cohorts.push({ cohort, members, instructions });
      transcripts.push(transcript);
    } catch (error) {
      if (!(error instanceof SessionBrokenError)) throw error;
      return { kind: 'cohort-unusable', stage, round, cohort, reason: error.reason, suspect: error.suspect };
    }
  }
  const result = await work.aggregate({
    ...{ plan, study: state.study, stage, round, startModel, optimiserState, cohorts },
    sites: effect.sites.length,
    updates: effect.updates.map(({ site, blob }) => ({ site, blob })),
  });
  switch (result.kind) {
    case 'aggregated':
      return { ...result, stage, round, transcript: cohortsTranscriptHash(transcripts) };
    case 'cohort-wrong': {
      const { cohort, reason, suspect } = result;
      return { kind: 'cohort-unusable', stage, round, cohort, reason, suspect };
    }
    case 'sum-wrong':
      return { kind: 'round-unfit', stage, round, reason: result.reason, suspect: null };
    case 'unusable':
      return { kind: 'round-unfit', stage, round, reason: result.reason, suspect: result.site };
    default:
      return result satisfies never;
  }
}
