import { planHash, type StudyPlan } from '@wardround/protocols/study/plan.ts';
import { privacyDelta } from '@wardround/protocols/study/private-training.ts';
import { COHORT } from './charge-round.ts';
import type { StudyFacts } from './policy-floors.ts';
import { readPrivacyLedger } from './privacy-ledger.ts';

/**
 * What this site's patients have spent on other studies, for the study to be held against the site's budget with it. What
 * the study itself has been charged is left out: its plan says what it costs in all.
 *
 * @throws {DamagedStateError} when the privacy ledger is not what was written.
 */
export async function spentBefore(plan: StudyPlan, folder: string): Promise<Pick<StudyFacts, 'spentBefore'>> {
  // The common case, looked at every second while a site works.
  if (privacyDelta(plan) === null) return {};
  const study = planHash(plan);
  const { records } = await readPrivacyLedger(folder, { cohort: COHORT });
  return { spentBefore: records.filter((record) => record.study !== study) };
}
