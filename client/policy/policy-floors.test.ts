import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { planSummary } from './plan-summary.ts';
import { dataSetsOf, policyFloors, type StudyFacts } from './policy-floors.ts';
import { requireFloors } from './require-floors.ts';
import { DamagedPolicyError, NO_POLICY, readPolicy, SitePolicy } from './site-policy.ts';

const plan = StudyPlan.parse(smallPlan());
const robust = StudyPlan.parse({
  ...smallPlan(),
  protection: { ...smallPlan().protection, mode: 'plain-robust', robust: { rule: 'median', faulty: 0 } },
  participation: { ...smallPlan().participation, quorum: 3 },
});
const policy = (floors: object) => SitePolicy.parse({ ...NO_POLICY, ...floors });

describe('requireFloors()', () => {
  test('refuses plain-robust unless the policy names it, also where there is no policy', () => {
    const refusal = expect.objectContaining({ reason: 'policy-protection-mode' });
    expect(() => requireFloors(robust, NO_POLICY)).toThrow(refusal);
    expect(() => requireFloors(robust, policy({ protectionModes: ['sealed'] }))).toThrow(refusal);
    expect(() => requireFloors(robust, policy({ protectionModes: ['plain-robust'] }))).not.toThrow();
    const alone = policy({ protectionModes: ['plain-robust'], minimumThreshold: 2 });
    expect(() => requireFloors(robust, alone)).toThrow(expect.objectContaining({ reason: 'policy-minimum-threshold' }));
    expect(planSummary(robust).join('\n')).toContain('opens each site’s update and compares it');
  });

  test('holds the floors of sites and threshold against the cohort where the plan has cohorts, and says what they tell', () => {
    const base = smallPlan();
    const cohorts = StudyPlan.parse({
      ...base,
      participation: { ...base.participation, quorum: 12 },
      protection: { ...base.protection, mode: 'secure-aggregation', cohorts: { size: 4, rule: 'trimmed-mean' } },
    });
    expect(() => requireFloors(cohorts, policy({ minimumSites: 4, minimumThreshold: 3 }))).not.toThrow();
    expect(() => requireFloors(cohorts, policy({ minimumSites: 5 }))).toThrow('at least 5 sites in a cohort');
    expect(() => requireFloors(cohorts, policy({ minimumThreshold: 4 }))).toThrow('protection.cohorts.size');
    const text = planSummary(cohorts).join('\n');
    expect(text).toContain('cohorts of at least 4. The coordinator, and every hospital, learns each cohort’s sum');
    expect(text).toContain('which is of at least 3 hospitals');
    expect(text).toContain('the mean without the 1 smallest and 1 largest values over the cohorts');
    expect(text).not.toContain('sees the sum of all sites’ updates');
  });

  test('puts the limit of whole updates and the gate in plain words', () => {
    const { protection, ...rest } = smallPlan();
    const limits = { updateNormLimit: { norm: 2, zeroAboveMultiple: 3 }, gate: { lossRise: 0.4 } };
    const text = planSummary(StudyPlan.parse({ ...rest, protection: { ...protection, ...limits } })).join('\n');
    expect(text).toContain('longer than 2 is scaled down to it, one longer than 6 is sent as zeros');
    expect(text).toContain('the loss rises by 40 percent at more than half of the sites, is undone');
    expect(planSummary(plan).join('\n')).not.toMatch(/sent as zeros|is undone/);
  });

  const cases: [string, object, object, string, string, StudyFacts?][] = [
    ['minimumSites', { minimumSites: 2 }, { minimumSites: 3 }, 'policy-minimum-sites', 'the study has 2'],
    [
      'minimumThreshold',
      { minimumThreshold: 1 },
      { minimumThreshold: 2 },
      'policy-minimum-threshold',
      'the study has 1',
    ],
    [
      'protectionModes',
      { protectionModes: ['secure-aggregation', 'sealed'] },
      { protectionModes: ['secure-aggregation'] },
      'policy-protection-mode',
      'the study has sealed',
    ],
    ['maximumClip', { maximumClip: 0.1 }, { maximumClip: 0.05 }, 'policy-clip', 'the study has 0.1'],
    [
      'maximumEpsilon',
      { maximumEpsilon: 4 },
      { maximumEpsilon: 2 },
      'policy-epsilon',
      'the study has 3.000',
      { epsilon: 3 },
    ],
    [
      'dataSets',
      { dataSets: ['ct', 'clinical', 'expression', 'labels'] },
      { dataSets: ['ct', 'clinical', 'labels'] },
      'policy-data-sets',
      'the study has ct, clinical, expression, labels',
    ],
    ['maximumRounds', { maximumRounds: 4 }, { maximumRounds: 3 }, 'policy-rounds', 'the study has 4'],
  ];
  test.each(
    cases,
  )('allows at the floor %s and refuses beyond it, naming it', (name, met, unmet, reason, found, facts) => {
    expect(() => requireFloors(plan, policy(met), facts)).not.toThrow();
    expect(() => requireFloors(plan, policy(unmet), facts)).toThrow(
      expect.objectContaining({ reason, message: expect.stringContaining(`policy floor ${name} needs`) }),
    );
    expect(() => requireFloors(plan, policy(unmet), facts)).toThrow(found);
    expect(() => requireFloors(plan, policy(unmet), facts)).toThrow(`change ${name} in policy.json`);
  });

  test('takes a study that bounds no epsilon as beyond every floor', () => {
    expect(() => requireFloors(plan, policy({ maximumEpsilon: 1e6 }))).toThrow('the study has no bound');
  });

  test('holds a round of fewer sites than the plan says against the floor', () => {
    expect(() => requireFloors(plan, policy({ minimumSites: 2 }), { sites: 1 })).toThrow('the study has 1');
  });

  test('names every floor that is not met', () => {
    const strict = policy({ minimumSites: 3, maximumClip: 0.01 });
    expect(() => requireFloors(plan, strict)).toThrow(/minimumSites.*Also, .*maximumClip/);
  });

  test('lets everything pass without a policy', () => {
    expect(policyFloors(plan, NO_POLICY)).toEqual([]);
  });
});

describe('dataSetsOf()', () => {
  test('counts what the stages and tasks of the plan read', () => {
    const slicesOnly = { ...smallPlan(), stages: smallPlan().stages.slice(0, 1) };
    expect(dataSetsOf(StudyPlan.parse(slicesOnly))).toEqual(['ct', 'labels']);
  });
});

describe('planSummary()', () => {
  test('says which tensors leave, which epsilon, and which floors apply', () => {
    const site = policy({ minimumSites: 3, trainingHours: { from: '20:00', to: '06:00' } });
    const text = planSummary(plan, { policy: site, epsilon: 2.5 }).join('\n');
    expect(text).toMatch(
      /Of alignment: the change of image \(\d+ tensors, [\d,]+ numbers\), clinical \(.*expression \(/,
    );
    expect(text).toContain('spend an epsilon of 2.50');
    expect(text).toContain('minimumSites: needs at least 3 sites in a round; the study has 2 — NOT MET.');
    expect(text).toContain('trains from 20:00 to 06:00 only');
    expect(planSummary(plan).join('\n')).toContain('has no bound (epsilon) here');
  });
});

describe('readPolicy()', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'policy-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('sets no floor without a file', async () => {
    expect(await readPolicy(folder)).toEqual(NO_POLICY);
  });

  test.each([
    '{',
    '{}',
    '[]',
    '{"format":"wardround-site-policy/1","minimumSite":3}',
    '{"format":"wardround-site-policy/1","minimumSites":"3"}',
    '{"format":"wardround-site-policy/1","trainingHours":{"from":"8","to":"9"}}',
  ])('allows nothing from %s', async (text) => {
    await writeFile(join(folder, 'policy.json'), text);
    await expect(readPolicy(folder)).rejects.toThrow(DamagedPolicyError);
    await expect(readPolicy(folder)).rejects.toThrow('policy.json');
    await expect(readPolicy(folder)).rejects.toThrow('takes part in nothing');
  });
});
