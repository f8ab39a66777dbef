import { describe, expect, test } from 'vitest';
import { checkStudyPlan, StudyPlanError } from './parse-plan.ts';
import { planHash, type SlicePretrainingStage } from './plan.ts';
import { privateRoundSteps, privateTraining } from './private-training.ts';
import { smallPlan } from './small-plan.ts';

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
