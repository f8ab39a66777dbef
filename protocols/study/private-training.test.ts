import { distributedDiscreteGaussianRdp } from '@wardround/shared/privacy/distributed-discrete-gaussian.ts';
import { describe, expect, test } from 'vitest';
import { centralNoise } from '../transfer/central-noise.ts';
import { checkStudyPlan, StudyPlanError } from './parse-plan.ts';
import { codeBitsOf, planHash, type SlicePretrainingStage } from './plan.ts';
import { privacyDelta, privateRound, privateRoundSteps, privateTraining } from './private-training.ts';
import { smallPlan } from './small-plan.ts';
import { codeTerms } from './stage-layout.ts';

const privacy = {
  unit: 'patient',
  noiseMultiplier: 1.5,
  clip: 1,
  samplingRate: 0.04,
  groups: 8,
  slicesPerPatient: 4,
  delta: 1e-5,
} as const;

function privatePlan(changed: object = {}, stages = smallPlan().stages.slice(0, 1)) {
  const plan = smallPlan();
  return {
    ...plan,
    stages,
    evaluation: { ...plan.evaluation, trainAlone: false },
    protection: { ...plan.protection, privacy: { ...privacy, ...changed } },
  };
}

function problems(plan: unknown): readonly string[] {
  try {
    checkStudyPlan(plan);
    return [];
  } catch (error) {
    if (error instanceof StudyPlanError) return error.problems;
    throw error;
  }
}

describe('protection.privacy', () => {
  test('is part of what sites approve', () => {
    const plan = checkStudyPlan(privatePlan());
    expect(planHash(plan)).not.toBe(planHash(checkStudyPlan(privatePlan({ noiseMultiplier: 1.4 }))));
  });

  test('is refused where something would leave uncharged', () => {
    expect(problems(privatePlan({}, smallPlan().stages))).toEqual([
      'protection.privacy: covers slice pretraining alone: the plan must have no second stage',
    ]);
    const plan = privatePlan();
    expect(problems({ ...plan, evaluation: { ...plan.evaluation, trainAlone: true } })).toEqual([
      'evaluation.trainAlone: must be false with protection.privacy: results of training alone would be charged to no one',
    ]);
  });

  test.each([
    { delta: 0.1 },
    { noiseMultiplier: 0 },
    { samplingRate: 1.5 },
    { unit: 'slice' },
    { groups: 0 },
  ])('is refused with %o, which would protect nobody', (changed) => {
    const [problem] = problems(privatePlan(changed));
    expect(problem).toContain(`protection.privacy.${Object.keys(changed)[0]}: needed`);
  });
});

describe('privateTraining()', () => {
  test('counts the steps of all rounds, and nothing for a plan without privacy', () => {
    const plan = checkStudyPlan(privatePlan());
    // Two rounds of one epoch of 25 steps.
    expect(privateTraining(plan)).toEqual({ noiseMultiplier: 1.5, samplingRate: 0.04, steps: 50 });
    expect(privateTraining(checkStudyPlan(smallPlan()))).toBe(null);
  });

  test('ends a round at the plan’s limit', () => {
    const stage = checkStudyPlan(privatePlan()).stages[0] as SlicePretrainingStage;
    expect(privateRoundSteps({ ...stage, maximumLocalSteps: 7 }, privacy)).toBe(7);
    expect(privateRoundSteps({ ...stage, localEpochs: 3 }, { ...privacy, samplingRate: 0.7 })).toBe(5);
  });
});

describe('protection.centralPrivacy', () => {
  const centralPlan = (changed: Record<string, unknown> = {}) => ({
    ...smallPlan(),
    evaluation: { ...smallPlan().evaluation, trainAlone: false },
    participation: { ...smallPlan().participation, quorum: 6 },
    protection: {
      ...smallPlan().protection,
      mode: 'secure-aggregation',
      updateNormLimit: { norm: 1 },
      centralPrivacy: { noiseMultiplier: 4, delta: 1e-5 },
      ...changed,
    },
  });

  test('releases once a round, over all stages', () => {
    const plan = checkStudyPlan(centralPlan());
    expect(privateTraining(plan)).toEqual({ noiseMultiplier: 4, samplingRate: 1, steps: 4 });
    expect(privateRound(plan, 100)).toEqual({ noiseMultiplier: 4, samplingRate: 1, steps: 1 });
    expect(privacyDelta(plan)).toBe(1e-5);
    expect(privacyDelta(checkStudyPlan(smallPlan()))).toBeNull();
  });

  test('costs what the sum of the guaranteed sites’ discrete noises costs, at the least deviation there is', () => {
    const plan = checkStudyPlan(centralPlan({ clip: 1e-6 }));
    for (const codeBits of [16, 32] as const) {
      for (const sites of [6, 20, 1000]) {
        const { central, clip } = codeTerms({ ...plan, protection: { ...plan.protection, codeBits } }, sites);
        const noise = centralNoise(central!, { clip, sites, codeBits });
        for (const [size, alpha] of [
          [22_000_000, 1.1],
          [22_000_000, 64],
        ] as const) {
          const exact = distributedDiscreteGaussianRdp(
            {
              sites: noise.honestSites,
              siteNoise: 2 ** noise.deviationBits,
              l2Sensitivity: 2 * noise.largestNorm,
              size,
            },
            alpha,
          );
          const charged = alpha / (2 * 4 ** 2);
          expect(exact).toBeLessThanOrEqual(charged * (1 + 1e-9));
        }
      }
    }
  });

  test.each([
    [{ mode: 'sealed' }, 'protection.mode: must be secure-aggregation'],
    [{ updateNormLimit: undefined }, 'protection.updateNormLimit: needed with'],
    [{ privacy }, 'protection.privacy: cannot stand beside'],
    [{ centralPrivacy: { noiseMultiplier: 0, delta: 1e-5 } }, 'protection.centralPrivacy.noiseMultiplier: needed'],
  ])('is refused with %o', (changed, problem) => {
    expect(problems(centralPlan(changed)).join('\n')).toContain(problem);
  });

  test('is refused with results of training alone, and with fewer than three sites', () => {
    const plan = centralPlan();
    expect(problems({ ...plan, evaluation: { ...plan.evaluation, trainAlone: true } })[0]).toContain(
      'trainAlone: must be',
    );
    expect(problems({ ...plan, participation: { ...plan.participation, quorum: 2 } })[0]).toContain(
      'quorum: must be at',
    );
  });
});

describe('protection.codeBits', () => {
  const withBits = (changed: Record<string, unknown>) => ({
    ...smallPlan(),
    protection: { ...smallPlan().protection, ...changed },
  });

  test('is 32 unless the plan says 16, which changes its hash and no other one’s', () => {
    expect(codeBitsOf(checkStudyPlan(smallPlan()))).toBe(32);
    expect(codeBitsOf(checkStudyPlan(withBits({ codeBits: 16 })))).toBe(16);
    expect(checkStudyPlan(smallPlan()).protection).not.toHaveProperty('codeBits');
  });

  test('is refused with other widths, and 16 where updates are compared', () => {
    expect(problems(withBits({ codeBits: 8 }))[0]).toContain('protection.codeBits: needed 16 or 32, found 8');
    const robust = { mode: 'plain-robust', robust: { rule: 'median', faulty: 0 } };
    expect(problems(withBits({ ...robust, codeBits: 16 }))[0]).toContain(
      '16 needs the mode secure-aggregation or sealed',
    );
  });
});
