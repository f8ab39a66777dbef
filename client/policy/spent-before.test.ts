import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planHash, StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chargeRound } from './charge-round.ts';
import { planSummary } from './plan-summary.ts';
import { projectedSpend } from './policy-floors.ts';
import { requireFloors } from './require-floors.ts';
import { NO_POLICY, SitePolicy } from './site-policy.ts';
import { spentBefore } from './spent-before.ts';

const small = smallPlan();
const privatePlan = (name: string): StudyPlan =>
  StudyPlan.parse({
    ...small,
    name,
    stages: small.stages.slice(0, 1),
    evaluation: { ...small.evaluation, trainAlone: false },
    protection: {
      ...small.protection,
      privacy: {
        unit: 'patient',
        noiseMultiplier: 1.5,
        clip: 1,
        samplingRate: 0.04,
        groups: 8,
        slicesPerPatient: 4,
        delta: 1e-5,
      },
    },
  });
const [first, second] = [privatePlan('first'), privatePlan('second')];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardround-spent-'));
});
afterEach(() => rm(folder, { recursive: true }));

const charge = (plan: StudyPlan, round: number, steps: number) =>
  chargeRound(folder, {
    plan,
    policy: NO_POLICY,
    study: planHash(plan),
    stage: plan.stages[0]!.name,
    round,
    release: sha256Hex(`${plan.name} ${round}`),
    steps,
  });

describe('spentBefore()', () => {
  test('gives what other studies have spent, and leaves out what this one has been charged', async () => {
    expect(await spentBefore(first, folder)).toEqual({ spentBefore: [] });
    const afterFirst = await charge(first, 1, 1000);
    await charge(second, 1, 10);
    expect(await spentBefore(first, folder)).toMatchObject({ spentBefore: [{ study: planHash(second), steps: 10 }] });
    const facts = await spentBefore(second, folder);
    expect(facts).toMatchObject({ spentBefore: [{ study: planHash(first), steps: 1000 }] });
    const projected = projectedSpend(second, NO_POLICY, facts)!;
    expect(projected.before).toBeCloseTo(afterFirst!, 10);
    expect(projected.withStudy).toBeGreaterThan(projected.before);
  });

  test('is nothing for a plan without privacy, whatever the ledger holds', async () => {
    await charge(first, 1, 1000);
    expect(await spentBefore(StudyPlan.parse(smallPlan()), folder)).toEqual({});
  });

  test('refuses a ledger that was cut off', async () => {
    await charge(first, 1, 1000);
    await charge(first, 2, 1000);
    const ledger = join(folder, 'privacy', 'patients.jsonl');
    await writeFile(ledger, '');
    await expect(spentBefore(second, folder)).rejects.toThrow('it was cut off or put back from a backup');
  });

  test('a study that fits the budget by itself, and not on top of others, is refused by the floor’s name', async () => {
    await charge(first, 1, 1000);
    const facts = await spentBefore(second, folder);
    const { before, withStudy } = projectedSpend(second, NO_POLICY, facts)!;
    const policy = SitePolicy.parse({
      ...NO_POLICY,
      privacyBudget: { epsilon: (before + withStudy) / 2, delta: 1e-5 },
    });
    expect(() => requireFloors(second, policy)).not.toThrow();
    expect(() => requireFloors(second, policy, facts)).toThrow(
      expect.objectContaining({ reason: 'policy-privacy-budget', message: expect.stringContaining('privacyBudget') }),
    );
    expect(planSummary(second, { policy, ...facts }).join('\n')).toContain(
      `Over all studies: an epsilon of ${before.toFixed(2)} is spent; with this study it will be ${withStudy.toFixed(2)} of the`,
    );
    expect(planSummary(second, { policy, ...facts }).join('\n')).toMatch(/privacyBudget: needs .* NOT MET/);
  });
});
