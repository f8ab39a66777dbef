import { studyEpsilon } from '@wardround/client/policy/study-epsilon.ts';
import { describe, expect, test } from 'vitest';
import { demoPlan } from './demo-plan.ts';

describe('demoPlan()', () => {
  test.each([true, false])('is a plan of two stages with a task per disease (quick: %s)', (quick) => {
    const plan = demoPlan({ quick, private: false, sites: 3 });
    expect(plan.stages.map(({ kind }) => kind)).toEqual(['slice-pretraining', 'alignment']);
    expect(plan.evaluation.tasks.map(({ name }) => name)).toEqual(['emphysema', 'malignancy', 'fibrosis']);
    expect(plan.participation.quorum).toBe(2);
  });

  test('trains less when it has to be quick', () => {
    const steps = (quick: boolean) =>
      demoPlan({ quick, private: false, sites: 3 }).stages.map(
        ({ rounds, maximumLocalSteps }) => rounds * maximumLocalSteps!,
      );
    const quick = steps(true);
    steps(false).forEach((full, stage) => {
      expect(quick[stage]!).toBeLessThan(full);
    });
  });

  test('under differential privacy pretrains slices alone, and spends what a site can be told before', () => {
    const plan = demoPlan({ quick: true, private: true, sites: 3 });
    expect(plan.stages.map(({ kind }) => kind)).toEqual(['slice-pretraining']);
    expect(plan.evaluation.trainAlone).toBe(false);
    expect(studyEpsilon(plan)).toBeGreaterThan(0);
    expect(studyEpsilon(demoPlan({ quick: true, private: false, sites: 3 }))).toBeNull();
  });
});
