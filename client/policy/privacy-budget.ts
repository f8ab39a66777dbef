/** What a cohort's patients may spend, and what a study would. */
import { epsilonSpent, type RepeatedGaussian } from '@wardround/shared/privacy/rdp.ts';

export interface PrivacyBudget {
  /** The largest epsilon, over all studies together. */
  readonly epsilon: number;
  readonly delta: number;
}

/** Spending more would exceed the cohort's budget, so nothing may leave. */
export class PrivacyBudgetError extends Error {
  override readonly name = 'PrivacyBudgetError';
  readonly budget: number;
  readonly spent: number;
  /** What would be spent in all. */
  readonly asked: number;

  constructor({ budget, spent, asked }: { readonly budget: number; readonly spent: number; readonly asked: number }) {
    super(
      `Cannot release: the cohort's privacy budget is an epsilon of ${budget}, ${spent.toFixed(4)} is spent, and with this release it would be ${asked.toFixed(4)}. ` +
        "Train fewer rounds or with more noise, or raise the budget if the site's rules allow it.",
    );
    this.budget = budget;
    this.spent = spent;
    this.asked = asked;
  }
}

/**
 * The epsilon of training with those mechanisms after what was spent before, for people to see before they approve a study.
 *
 * @param options.before what the cohort's ledger holds; nothing gives the study's own cost.
 */
export function projectedEpsilon(
  mechanisms: readonly RepeatedGaussian[],
  { delta, before = [] }: { readonly delta: number; readonly before?: readonly RepeatedGaussian[] },
): number {
  return epsilonSpent(alike([...before, ...mechanisms]), { delta });
}

/** Steps of the same mechanism as one entry: a ledger of thousands of rounds has few different ones. */
function alike(mechanisms: readonly RepeatedGaussian[]): RepeatedGaussian[] {
  const steps = new Map<string, RepeatedGaussian>();
  for (const mechanism of mechanisms) {
    const key = `${mechanism.noiseMultiplier}/${mechanism.samplingRate}`;
    steps.set(key, { ...mechanism, steps: mechanism.steps + (steps.get(key)?.steps ?? 0) });
  }
  return [...steps.values()];
}
