/**
 * A round without a result: it is left as it is, never attempted again, and the study goes on from the same weights. A study
 * in which that happens too often in a row, or that has nothing to show for a whole stage, has failed.
 */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { StudyEvent } from './events.ts';
import { failRound } from './fail-round.ts';
import { currentStage, type StudyState } from './state.ts';

export function skipRound(
  state: StudyState,
  where: { readonly atMillis: number; readonly stage: number; readonly round: number },
  { reason, transcript }: { readonly reason: string; readonly transcript?: Sha256Hex | undefined },
): StudyEvent[] {
  const { maximumSkippedRounds = 1, stages } = state.rules;
  const isLast = where.round === stages[where.stage]?.rounds;
  const hasResult = currentStage(state)?.rounds.some(({ outcome }) => outcome?.kind === 'committed') === true;
  if (maximumSkippedRounds <= 1 || (isLast && !hasResult)) return failRound(where, reason);
  const skipped: StudyEvent = {
    kind: 'round-skipped',
    ...where,
    reason,
    ...(transcript !== undefined && { transcript }),
  };
  if (skippedInARow(state) + 1 < maximumSkippedRounds) return [skipped];
  return [skipped, { kind: 'study-failed', atMillis: where.atMillis, reason: 'too-many-skipped-rounds' }];
}

/** Of the rounds that are over, how many of the last ones were skipped. */
function skippedInARow({ stages }: StudyState): number {
  const outcomes = stages.flatMap(({ rounds }) => rounds).flatMap(({ outcome }) => outcome ?? []);
  return outcomes.length - 1 - outcomes.findLastIndex(({ kind }) => kind !== 'skipped');
}
