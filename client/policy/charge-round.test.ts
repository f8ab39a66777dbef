import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { epsilonSpent } from '@wardround/shared/privacy/rdp.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DeclineError } from '../training/decline-error.ts';
import { chargeRound } from './charge-round.ts';
import { planSummary } from './plan-summary.ts';
import { PolicyRefusedError, requireFloors } from './require-floors.ts';
import { NO_POLICY } from './site-policy.ts';
import { studyEpsilon } from './study-epsilon.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardround-charge-'));
});
afterEach(() => rm(folder, { recursive: true }));

const privacy = { unit: 'patient', noiseMultiplier: 1, clip: 1, samplingRate: 0.01, groups: 8, slicesPerPatient: 4 };
const plan = StudyPlan.parse({
  ...smallPlan(),
  stages: smallPlan().stages.slice(0, 1),
  evaluation: { ...smallPlan().evaluation, trainAlone: false },
  protection: { ...smallPlan().protection, privacy: { ...privacy, delta: 1e-5 } },
});
const mechanism = { noiseMultiplier: 1, samplingRate: 0.01 };
const round = (number: number) => ({
  study: 'a'.repeat(64),
  stage: 'slices',
  round: number,
  release: String(number).repeat(64),
  steps: 100,
});

describe('chargeRound()', () => {
  test('charges each round before it may leave, and refuses the one beyond the site’s budget', async () => {
    const policy = { ...NO_POLICY, privacyBudget: { epsilon: 1.5, delta: 1e-5 } };
    const first = await chargeRound(folder, { ...round(1), plan, policy });
    expect(first).toBeCloseTo(epsilonSpent([{ ...mechanism, steps: 100 }], { delta: 1e-5 }), 12);
    const second = await chargeRound(folder, { ...round(2), plan, policy });
    expect(second).toBeCloseTo(epsilonSpent([{ ...mechanism, steps: 200 }], { delta: 1e-5 }), 12);
    const refused = chargeRound(folder, { ...round(3), steps: 1000, plan, policy });
    await expect(refused).rejects.toThrow(DeclineError);
    await expect(refused).rejects.toMatchObject({ reason: 'privacy-budget-spent' });
    await expect(refused).rejects.toThrow('budget is an epsilon of 1.5');
  });

  test('counts without a budget, and counts nothing for a plan without privacy', async () => {
    expect(await chargeRound(folder, { ...round(1), plan: StudyPlan.parse(smallPlan()), policy: NO_POLICY })).toBe(
      null,
    );
    expect(await readdir(folder)).toEqual([]);
    expect(await chargeRound(folder, { ...round(1), plan, policy: NO_POLICY })).toBeGreaterThan(0);
  });
});

describe('studyEpsilon()', () => {
  const whole = epsilonSpent([{ ...mechanism, steps: 200 }], { delta: 1e-5 });

  test('is what all rounds cost, and nothing bounds a plan without privacy', () => {
    expect(studyEpsilon(plan)).toBeCloseTo(whole, 12);
    expect(studyEpsilon(StudyPlan.parse(smallPlan()))).toBe(null);
  });

  test('is told before approval, and held against the site’s floor', () => {
    expect(planSummary(plan).join('\n')).toContain(`spend an epsilon of ${whole.toFixed(2)}`);
    requireFloors(plan, { ...NO_POLICY, maximumEpsilon: whole + 0.01 });
    expect(() => requireFloors(plan, { ...NO_POLICY, maximumEpsilon: whole - 0.01 })).toThrow(PolicyRefusedError);
  });
});

describe('central privacy', () => {
  const terms = { ...smallPlan().protection, mode: 'secure-aggregation', updateNormLimit: { norm: 1 } };
  const centralPlan = StudyPlan.parse({
    ...smallPlan(),
    evaluation: { ...smallPlan().evaluation, trainAlone: false },
    participation: { ...smallPlan().participation, quorum: 6 },
    protection: { ...terms, centralPrivacy: { noiseMultiplier: 4, delta: 1e-3 } },
  });
  /** Two stages of two rounds. */
  const whole = epsilonSpent([{ noiseMultiplier: 4, samplingRate: 1, steps: 4 }], { delta: 1e-3 });

  test('charges each round as one release in which every site takes part, whatever its steps', async () => {
    const first = await chargeRound(folder, { ...round(1), plan: centralPlan, policy: NO_POLICY });
    expect(first).toBeCloseTo(epsilonSpent([{ noiseMultiplier: 4, samplingRate: 1, steps: 1 }], { delta: 1e-3 }), 12);
    for (const number of [2, 3, 4]) {
      await chargeRound(folder, { ...round(number), plan: centralPlan, policy: NO_POLICY });
    }
    const again = await chargeRound(folder, { ...round(4), plan: centralPlan, policy: NO_POLICY });
    expect(again).toBeCloseTo(whole, 12);
  });

  test('is refused where the site’s budget is too small', async () => {
    const policy = { ...NO_POLICY, privacyBudget: { epsilon: 1, delta: 1e-3 } };
    await chargeRound(folder, { ...round(1), plan: centralPlan, policy });
    const refused = chargeRound(folder, { ...round(2), plan: centralPlan, policy });
    await expect(refused).rejects.toMatchObject({ reason: 'privacy-budget-spent' });
  });

  test('is projected before approval, and held against the site’s floor', () => {
    expect(studyEpsilon(centralPlan)).toBeCloseTo(whole, 12);
    expect(planSummary(centralPlan).join('\n')).toContain(
      `spend an epsilon of ${whole.toFixed(2)} of all that this site has`,
    );
    expect(() => requireFloors(centralPlan, { ...NO_POLICY, maximumEpsilon: whole + 0.01 })).not.toThrow();
    expect(() => requireFloors(centralPlan, { ...NO_POLICY, maximumEpsilon: whole - 0.01 })).toThrow(
      PolicyRefusedError,
    );
  });
});
