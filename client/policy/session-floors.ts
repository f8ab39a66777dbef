import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { SitePolicy } from './site-policy.ts';

/**
 * What a secure-aggregation session must have for this site to take part. Under central privacy that is the plan's quorum at
 * least: the noise counts on the honest ones of so many sites (transfer/central-noise.ts), whatever a coordinator invites.
 * In a plan with cohorts each cohort is a session, and it must have the size that the plan says.
 */
export function sessionFloors(
  { protection, participation }: Pick<StudyPlan, 'protection' | 'participation'>,
  { minimumSites = 0, minimumThreshold = 0 }: SitePolicy,
): { readonly minimumSites: number; readonly minimumThreshold: number } {
  const counted = protection.centralPrivacy === undefined ? 0 : participation.quorum;
  return { minimumSites: Math.max(minimumSites, counted, protection.cohorts?.size ?? 0), minimumThreshold };
}
