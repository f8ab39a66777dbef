/** The event that begins a study's journal. */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { graceSeconds, maximumSkippedRounds, planHash, type StudyPlan, sessionDeadlineSeconds } from '../study/plan.ts';
import { cohortRules } from './cohorts.ts';
import type { StudyEvent } from './events.ts';

export function launchStudy(
  plan: StudyPlan,
  options: { readonly planBlob: Sha256Hex; readonly sites: readonly string[]; readonly nowMillis: number },
): StudyEvent {
  const cohorts = cohortRules(plan);
  const readyWindowMillis = plan.participation.readyDeadlineSeconds * 1000;
  return {
    kind: 'study-launched',
    atMillis: options.nowMillis,
    study: planHash(plan),
    name: plan.name,
    planBlob: options.planBlob,
    rules: {
      quorum: plan.participation.quorum,
      readyWindowMillis,
      roundWindowMillis: plan.participation.roundDeadlineSeconds * 1000,
      evaluationWindowMillis: plan.participation.evaluationDeadlineSeconds * 1000,
      ...(plan.protection.mode === 'secure-aggregation' && {
        sessionWindowMillis: sessionDeadlineSeconds(plan) * 1000,
      }),
      ...(plan.protection.gate !== undefined && { gate: plan.protection.gate }),
      ...(plan.protection.mode === 'secure-aggregation' &&
        plan.protection.stableCohorts === true && { stableCohorts: true }),
      ...(cohorts !== null && { cohorts }),
      graceMillis: graceSeconds(plan) * 1000,
      maximumSkippedRounds: maximumSkippedRounds(plan),
      stages: plan.stages.map(({ name, kind, rounds }) => ({ name, kind, rounds })),
    },
    sites: options.sites.toSorted(),
    deadlineMillis: Math.round(options.nowMillis + readyWindowMillis),
  };
}
