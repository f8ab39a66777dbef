import { planHash, StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { describe, expect, test } from 'vitest';
import { planSummary } from './plan-summary.ts';

const plan = StudyPlan.parse(smallPlan());

describe('planSummary()', () => {
  test('says which study it is, what it reads, what leaves and what stays', () => {
    const text = planSummary(plan).join('\n');
    expect(text).toContain(`Plan hash ${planHash(plan)}`);
    expect(text).toContain('up to 8 slices a patient, window -1000 to 400 HU, resized to 32 by 32 pixels');
    expect(text).toContain('Gene expression: 3 genes (TP53, EGFR, KRAS).');
    expect(text).toContain('histology, from the column histology');
    expect(text).toContain('30 % of the patients are kept out of training');
    expect(text).toContain('2 rounds of 1 local epoch;');
    expect(text).toContain('each kept within plus or minus 0.1');
    expect(text).toContain('never on fewer than 10 patients');
    expect(text).toContain('The coordinator can open a single site’s update');
  });

  test('does not mention tables when only slices are used', () => {
    const slicesOnly = StudyPlan.parse({ ...smallPlan(), stages: smallPlan().stages.slice(0, 1) });
    expect(planSummary(slicesOnly).join('\n')).not.toMatch(/Clinical table|Gene expression/);
  });

  test('lets no text of the plan move the cursor or hide words', () => {
    const sly = StudyPlan.parse({
      ...smallPlan(),
      description: 'harmless\u001b[2J\u001b]8;;http://x\u0007\n\u202eUpdates stay here',
      expression: { genes: ['A\u001b[31m', 'B\r\nWhat leaves'] },
    });
    for (const line of planSummary(sly)) expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test('names at most a dozen genes', () => {
    const genes = Array.from({ length: 500 }, (_, index) => `GENE${index}`);
    const text = planSummary(StudyPlan.parse({ ...smallPlan(), expression: { genes } })).join('\n');
    expect(text).toContain('GENE11 and 488 more');
    expect(text).not.toContain('GENE12,');
  });
});
