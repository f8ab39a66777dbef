/**
 * The gate that a round's result has to pass before it becomes the study's model, from what the coordinator knows without
 * data and without looking into single updates:
 *
 * - the norm of the model's change, against the median of the rounds before: it stops a result that leaps;
 * - the sites' mean training losses, against those of the last committed round: a rise shows that the model they started
 *   from, which that round made, was bad. The loss speaks one round late, and never of a stage's last round.
 *
 * A round that fails is rolled back: the study goes on from the last model that was good. The median over sites decides,
 * so that fewer than half of them can neither force a rollback by their losses nor prevent one.
 */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { GateRules, StudyEvent } from './events.ts';
import { failRound } from './fail-round.ts';
import { currentStage, type RoundState, type StageState, type StudyState } from './state.ts';

export type GateFailure = 'update-norm-rose' | 'training-loss-rose';

/** Before so many committed rounds of a stage their median norm says nothing. */
const FEWEST_NORMS = 3;

/** A round's result, before it is committed. */
export interface Candidate {
  readonly round: RoundState;
  readonly model: Sha256Hex;
  /** L2 norm of the change from the round's first weights to its result. */
  readonly updateNorm: number | undefined;
  /** With secure aggregation: what was published of the round. */
  readonly sum?: Sha256Hex | undefined;
  readonly transcript?: Sha256Hex | undefined;
  readonly cohortSums?: readonly Sha256Hex[] | undefined;
}

/** The events of a rollback, or null when the result passes or the study has no gate. */
export function rollBack(
  state: StudyState,
  candidate: Candidate,
  where: { readonly atMillis: number; readonly stage: number; readonly round: number },
): StudyEvent[] | null {
  const { gate } = state.rules;
  const stage = currentStage(state);
  if (gate === undefined || stage === undefined) return null;
  const reason = gateFailure(stage, candidate, gate);
  if (reason === null) return null;
  if (rollbacks(state) >= gate.maximumRollbacks) return failRound(where, 'too-many-rollbacks');
  const { model, optimiserState } = reason === 'training-loss-rose' ? (stage.fallback ?? stage) : stage;
  const { model: rejectedModel, sum, transcript, cohortSums } = candidate;
  const published = {
    ...(sum !== undefined && { sum }),
    ...(transcript !== undefined && { transcript }),
    ...(cohortSums !== undefined && { cohortSums: [...cohortSums] }),
  };
  return [{ kind: 'round-rolled-back', ...where, reason, rejectedModel, model, optimiserState, ...published }];
}

function gateFailure(
  stage: StageState,
  { round, updateNorm }: Pick<Candidate, 'round' | 'updateNorm'>,
  gate: GateRules,
): GateFailure | null {
  const committed = stage.rounds.filter(({ outcome }) => outcome?.kind === 'committed');
  const norms = committed.flatMap(({ outcome }) =>
    outcome?.kind === 'committed' && outcome.updateNorm !== undefined ? [outcome.updateNorm] : [],
  );
  if (updateNorm !== undefined) {
    if (!Number.isFinite(updateNorm)) return 'update-norm-rose';
    const usual = norms.length < FEWEST_NORMS ? 0 : median(norms);
    if (usual > 0 && updateNorm > gate.normMultiple * usual) return 'update-norm-rose';
  }
  const last = committed.at(-1);
  const rises = last === undefined ? [] : lossRises(last, round);
  return rises.length > 0 && median(rises) > gate.lossRise ? 'training-loss-rose' : null;
}

/** Of each site in both rounds, by which share of its loss then the loss is higher now. */
function lossRises(before: RoundState, now: RoundState): number[] {
  return now.accepted.flatMap(({ site, figures }) => {
    const then = before.accepted.find((accepted) => accepted.site === site)?.figures.loss;
    // Sites that train privately tell none.
    if (then === undefined || then === null || then === 0 || figures.loss === null) return [];
    return [(figures.loss - then) / Math.abs(then)];
  });
}

function rollbacks(state: StudyState): number {
  return state.stages.flatMap(({ rounds }) => rounds).filter(({ outcome }) => outcome?.kind === 'rolled-back').length;
}

/** The lower of the two middle values of an even number: the gate closes only when more than half agree. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length / 2) - 1] ?? 0;
}
