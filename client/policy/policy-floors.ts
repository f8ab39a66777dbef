/** Holds a study against the site's policy: every floor that is set, what it needs, what the study has. */
import { FEWEST_SITES, sessionParameters } from '@wardround/protocols/secure-aggregation/parameters.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { privacyDelta, privateTraining } from '@wardround/protocols/study/private-training.ts';
import type { RepeatedGaussian } from '@wardround/shared/privacy/rdp.ts';
import { projectedEpsilon } from './privacy-budget.ts';
import type { DataSet, SitePolicy } from './site-policy.ts';
import { studyEpsilon } from './study-epsilon.ts';

/** Each code is stable on the wire: the coordinator learns which floor stopped the site, and no value of it. */
export type PolicyReason =
  | 'policy-minimum-sites'
  | 'policy-minimum-threshold'
  | 'policy-protection-mode'
  | 'policy-clip'
  | 'policy-epsilon'
  | 'policy-privacy-budget'
  | 'policy-data-sets'
  | 'policy-rounds';

export interface Floor {
  /** Its name in policy.json. */
  readonly name: keyof SitePolicy;
  readonly reason: PolicyReason;
  readonly needed: string;
  readonly found: string;
  readonly isMet: boolean;
  /** Where the plan sets it, as `participation.quorum`. */
  readonly setting: string;
}

export interface StudyFacts {
  /** How many sites the round is for; before there is a round, none is known. */
  readonly sites?: number;
  /** What the study's training spends at this site; null when nothing bounds it. Follows from the plan unless given. */
  readonly epsilon?: number | null;
  /** What this site's patients have spent on other studies; nothing unless given. */
  readonly spentBefore?: readonly RepeatedGaussian[];
}

/** What the plan reads at a site. */
export function dataSetsOf({ stages, expression, evaluation }: StudyPlan): DataSet[] {
  const aligns = stages.some(({ kind }) => kind === 'alignment');
  return [
    'ct',
    ...(aligns ? (['clinical'] as const) : []),
    ...(aligns && expression !== undefined ? (['expression'] as const) : []),
    ...(evaluation.tasks.length > 0 ? (['labels'] as const) : []),
  ];
}

/** What a site takes part in without saying so in its policy. Every other mode has to be named there. */
const MODES_WITHOUT_POLICY: readonly string[] = ['secure-aggregation', 'sealed'];

/** How many sites must act together before one site's update can be opened, when a round has so many sites. */
function openingThreshold(mode: string, sites: number): number {
  // Sealed updates the coordinator opens by itself, to add them or to compare them; so few sites cannot aggregate securely at all.
  return mode !== 'secure-aggregation' || sites < FEWEST_SITES ? 1 : sessionParameters(sites).threshold;
}

/** The epsilon of this site's patients before a private study and after it, at the delta of the site's budget or the plan's. */
export function projectedSpend(
  plan: StudyPlan,
  policy: SitePolicy,
  { spentBefore = [] }: StudyFacts = {},
): { readonly before: number; readonly withStudy: number } | null {
  const training = privateTraining(plan);
  const delta = policy.privacyBudget?.delta ?? privacyDelta(plan);
  if (training === null || delta === null) return null;
  const before = spentBefore.length === 0 ? 0 : projectedEpsilon(spentBefore, { delta });
  return { before, withStudy: projectedEpsilon([training], { delta, before: spentBefore }) };
}

/** Every floor that the policy sets and a plan can meet or not, in the policy's order. */
export function policyFloors(plan: StudyPlan, policy: SitePolicy, facts: StudyFacts = {}): Floor[] {
  const { protection, participation, stages } = plan;
  const privacySetting = protection.centralPrivacy === undefined ? 'protection.privacy' : 'protection.centralPrivacy';
  const floors: Floor[] = [];
  const add = (
    name: Floor['name'],
    rest: { reason: PolicyReason; needed: string; found: string; isMet: boolean; setting: string },
  ) => floors.push({ name, ...rest });

  const { cohorts } = protection;
  // In a plan with cohorts it is among the sites of a cohort that an update is hidden.
  const sites = Math.min(cohorts?.size ?? participation.quorum, facts.sites ?? Number.POSITIVE_INFINITY);
  if (policy.minimumSites !== undefined) {
    const needed = `at least ${policy.minimumSites} sites in a ${cohorts === undefined ? 'round' : 'cohort'}`;
    const isMet = sites >= policy.minimumSites;
    const setting = cohorts === undefined ? 'participation.quorum' : 'protection.cohorts.size';
    const rest = { reason: 'policy-minimum-sites', setting } as const;
    add('minimumSites', { ...rest, needed, found: String(sites), isMet });
  }
  if (policy.minimumThreshold !== undefined) {
    const threshold = openingThreshold(protection.mode, sites);
    const needed = `at least ${policy.minimumThreshold} sites together to open an update`;
    const isMet = threshold >= policy.minimumThreshold;
    const setting = cohorts === undefined ? 'protection.mode' : 'protection.cohorts.size';
    const rest = { reason: 'policy-minimum-threshold', setting } as const;
    add('minimumThreshold', { ...rest, needed, found: String(threshold), isMet });
  }
  // A mode that a policy has to name is refused where there is no policy, or none about modes.
  if (policy.protectionModes !== undefined || !MODES_WITHOUT_POLICY.includes(protection.mode)) {
    const allowed = policy.protectionModes ?? MODES_WITHOUT_POLICY;
    add('protectionModes', {
      reason: 'policy-protection-mode',
      setting: 'protection.mode',
      needed: `the protection ${allowed.join(' or ')}`,
      found: protection.mode,
      isMet: allowed.includes(protection.mode),
    });
  }
  if (policy.maximumClip !== undefined) {
    add('maximumClip', {
      reason: 'policy-clip',
      setting: 'protection.clip',
      needed: `a clip of at most ${policy.maximumClip}`,
      found: String(protection.clip),
      isMet: protection.clip <= policy.maximumClip,
    });
  }
  if (policy.maximumEpsilon !== undefined) {
    const epsilon = facts.epsilon === undefined ? studyEpsilon(plan) : facts.epsilon;
    add('maximumEpsilon', {
      reason: 'policy-epsilon',
      setting: privacySetting,
      needed: `an epsilon of at most ${policy.maximumEpsilon}`,
      found: epsilon === null ? 'no bound' : epsilon.toFixed(3),
      isMet: epsilon !== null && epsilon <= policy.maximumEpsilon,
    });
  }
  const projected = policy.privacyBudget === undefined ? null : projectedSpend(plan, policy, facts);
  if (policy.privacyBudget !== undefined && projected !== null) {
    const { epsilon, delta } = policy.privacyBudget;
    add('privacyBudget', {
      reason: 'policy-privacy-budget',
      setting: privacySetting,
      needed: `an epsilon of at most ${epsilon} over all studies together, at a delta of ${delta}`,
      found: `${projected.withStudy.toFixed(3)} in all, ${projected.before.toFixed(3)} of it spent before`,
      isMet: projected.withStudy <= epsilon,
    });
  }
  if (policy.dataSets !== undefined) {
    const allowed: readonly string[] = policy.dataSets;
    const used = dataSetsOf(plan);
    add('dataSets', {
      reason: 'policy-data-sets',
      setting: 'stages, evaluation.tasks',
      needed: `no other data than ${allowed.join(', ')}`,
      found: used.join(', '),
      isMet: used.every((dataSet) => allowed.includes(dataSet)),
    });
  }
  if (policy.maximumRounds !== undefined) {
    const rounds = stages.reduce((sum, stage) => sum + stage.rounds, 0);
    add('maximumRounds', {
      reason: 'policy-rounds',
      setting: 'stages[].rounds',
      needed: `at most ${policy.maximumRounds} rounds in all`,
      found: String(rounds),
      isMet: rounds <= policy.maximumRounds,
    });
  }
  return floors;
}

/** Names the floor, what the study has, and what can be done. */
export function violation({ name, needed, found, setting }: Floor): string {
  return (
    `this site's policy floor ${name} needs ${needed}; the study has ${found} (${setting} of its plan). ` +
    `Ask the consortium for a plan within the floor, or change ${name} in policy.json if the site's rules allow it.`
  );
}
