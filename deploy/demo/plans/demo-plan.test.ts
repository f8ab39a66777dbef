import { describe, expect, test } from 'vitest';
import { demoPlan } from './demo-plan.ts';

describe('demoPlan()', () => {
  test.each([true, false])('is a plan of two stages with a task per disease (quick: %s)', (quick) => {
    const plan = demoPlan({ quick, sites: 3 });
    expect(plan.stages.map(({ kind }) => kind)).toEqual(['slice-pretraining', 'alignment']);
    expect(plan.evaluation.tasks.map(({ name }) => name)).toEqual(['emphysema', 'malignancy', 'fibrosis']);
    expect(plan.participation.quorum).toBe(2);
  });

  test('trains less when it has to be quick', () => {
    const steps = (quick: boolean) =>
      demoPlan({ quick, sites: 3 }).stages.map(({ rounds, maximumLocalSteps }) => rounds * maximumLocalSteps!);
    const quick = steps(true);
    steps(false).forEach((full, stage) => {
      expect(quick[stage]!).toBeLessThan(full);
    });
  });
});
