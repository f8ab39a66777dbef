import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { privacyDelta, privateRound } from '@wardround/protocols/study/private-training.ts';
import { DeclineError } from '../training/decline-error.ts';
import { PrivacyBudgetError } from './privacy-budget.ts';
import type { PrivacyCharge } from './privacy-charge.ts';
import { openPrivacyLedger } from './privacy-ledger.ts';
import type { SitePolicy } from './site-policy.ts';

/** All patients that this site trains on share one ledger. */
export const COHORT = 'patients';

/**
 * Charges a privately trained round to the site's privacy ledger. Only then may anything of it leave. Gives the epsilon spent
 * in all; null, with nothing charged, for a plan without privacy.
 *
 * @throws {DeclineError} `privacy-budget-spent` when the site's budget is too small.
 * @throws {DamagedStateError} when the ledger is not what was written.
 */
export async function chargeRound(
  folder: string,
  {
    plan,
    policy,
    steps,
    ...round
  }: Pick<PrivacyCharge, 'study' | 'stage' | 'round' | 'release'> & {
    readonly plan: StudyPlan;
    readonly policy: SitePolicy;
    /** How many private steps the round took; of no account under central privacy, where the round is one. */
    readonly steps: number;
  },
): Promise<number | null> {
  const mechanism = privateRound(plan, steps);
  const delta = privacyDelta(plan);
  if (mechanism === null || delta === null) return null;
  // Without a budget of the site's own the ledger still counts.
  const budget = policy.privacyBudget ?? { epsilon: Number.POSITIVE_INFINITY, delta };
  const ledger = await openPrivacyLedger(folder, { cohort: COHORT, budget });
  try {
    return await ledger.charge({ ...round, ...mechanism });
  } catch (error) {
    if (error instanceof PrivacyBudgetError) throw new DeclineError('privacy-budget-spent', error.message);
    throw error;
  } finally {
    await ledger.close();
  }
}
