/** What the coordinator itself has to do in a state. Derived from the state alone, so a restart finds it again. */
import { addedCohorts } from './cohorts.ts';
import type { AcceptedUpdate, StudyState } from './state.ts';
import { currentRound, currentStage } from './state.ts';

export type Effect =
  /** Make the stage's starting weights, then report `stage-prepared`. */
  | { readonly kind: 'prepare-stage'; readonly stage: number }
  /** Add the accepted updates to the round's weights, then report `aggregated`. */
  | {
      readonly kind: 'aggregate';
      readonly stage: number;
      readonly round: number;
      readonly startModel: string;
      readonly optimiserState: string | null;
      /** Sites invited to the round, sorted. */
      readonly sites: readonly string[];
      /** In order of site name: the order in which they are added is the same on every run. */
      readonly updates: readonly AcceptedUpdate[];
      /** With cohorts: which of those are in each; their sums are made one by one. */
      readonly cohorts?: readonly { readonly cohort: number; readonly members: readonly string[] }[];
    };

export function pendingEffect(state: StudyState): Effect | null {
  if (state.phase.kind === 'starting-stage') return { kind: 'prepare-stage', stage: state.phase.stage };
  if (state.phase.kind !== 'aggregating') return null;
  const stage = currentStage(state);
  const round = currentRound(state);
  if (stage === undefined || round === undefined) return null;
  const cohorts = addedCohorts(round);
  return {
    kind: 'aggregate',
    stage: state.stages.length - 1,
    round: round.round,
    startModel: round.startModel,
    optimiserState: stage.optimiserState,
    sites: round.sites,
    updates: round.accepted.toSorted((a, b) => (a.site < b.site ? -1 : 1)),
    ...(cohorts !== null && { cohorts }),
  };
}
