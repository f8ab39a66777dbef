import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { expect, test } from 'vitest';
import { demoPlanFields } from './study-fields.ts';

test('demoPlanFields() names the tasks with every hospital’s headings and spellings', () => {
  expect(demoPlanFields().tasks).toEqual([
    {
      name: 'emphysema',
      columns: ['emphysema', 'Emphysema', 'emphysema_status'],
      positive: ['yes', 'Y', 'positive'],
      negative: ['no', 'N', 'negative'],
    },
    {
      name: 'malignancy',
      columns: ['malignancy', 'Malignancy', 'malignancy_status'],
      positive: ['yes', 'Y', 'positive'],
      negative: ['no', 'N', 'negative'],
    },
    {
      name: 'fibrosis',
      columns: ['fibrosis', 'Fibrosis', 'fibrosis_status'],
      positive: ['yes', 'Y', 'positive'],
      negative: ['no', 'N', 'negative'],
    },
  ]);
});

test('demoPlanFields() leaves dates and remarks out', () => {
  expect(demoPlanFields().clinical.excludeColumns).toEqual(['ct_date', 'Remarks', 'last_seen']);
});

test('demoPlanFields() fits the schema of plans', () => {
  const fields = demoPlanFields();
  expect(() => StudyPlan.shape.expression.parse(fields.expression)).not.toThrow();
  expect(() => StudyPlan.shape.clinical.parse(fields.clinical)).not.toThrow();
  expect(() => StudyPlan.shape.evaluation.shape.tasks.parse(fields.tasks)).not.toThrow();
  expect(fields.expression.genes).toHaveLength(360);
});
