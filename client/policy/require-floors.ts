/** Refuses what the site's policy does not allow: at approval, and again before each piece of work. */
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { type PolicyReason, policyFloors, type StudyFacts, violation } from './policy-floors.ts';
import type { SitePolicy } from './site-policy.ts';

/** The study does not meet a floor of the site's policy. */
export class PolicyRefusedError extends Error {
  override readonly name = 'PolicyRefusedError';
  readonly reason: PolicyReason;

  constructor(reason: PolicyReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** @throws {PolicyRefusedError} that names each floor that is not met; its reason is the first one's. */
export function requireFloors(plan: StudyPlan, policy: SitePolicy, facts: StudyFacts = {}): void {
  const unmet = policyFloors(plan, policy, facts).filter(({ isMet }) => !isMet);
  const [first] = unmet;
  if (first === undefined) return;
  throw new PolicyRefusedError(
    first.reason,
    `Cannot take part in study ${plan.name}: ${unmet.map(violation).join(' Also, ')}`,
  );
}
