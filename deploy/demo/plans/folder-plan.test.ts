import { describe, expect, test } from 'vitest';
import { chooseGenes, maximumGenes } from './choose-genes.ts';
import { chooseTasks } from './choose-tasks.ts';
import { excludedColumns, isExcluded } from './excluded-columns.ts';
import { folderPlan } from './folder-plan.ts';
import { heldOutShare } from './held-out-share.ts';
import type { SiteSurvey } from './site-survey.ts';

const column = (heading: string, values: Record<string, number>) => ({
  heading,
  values: new Map(Object.entries(values)),
});

const north: SiteSurvey = {
  site: 'north',
  patientsWithCt: 33,
  columns: [
    column('Gender', { Male: 17, Female: 16 }),
    column('Smoking status', { Former: 18, Nonsmoker: 10, Current: 5 }),
    column('Histology', { Adenocarcinoma: 27, 'Squamous cell carcinoma': 5, Unknown: 1 }),
    column('Survival Status', { Alive: 21, Dead: 12 }),
    column('Contrast agent', { True: 15, False: 18 }),
    column('Tumor Location (choice=RUL)', { Checked: 17, Unchecked: 16 }),
  ],
  genes: ['TP53', 'ALK', 'EGFR'],
};
const south: SiteSurvey = {
  site: 'south',
  patientsWithCt: 22,
  columns: [column('Sex', { M: 13, F: 9 }), column('Age', { '60': 12, '61': 10 })],
  genes: null,
};

describe('chooseTasks()', () => {
  test('joins headings and spellings of different hospitals into one label', () => {
    expect(chooseTasks([north, south])[0]).toEqual({
      name: 'sex',
      columns: ['Sex', 'Gender'],
      positive: ['F', 'Female'],
      negative: ['M', 'Male'],
    });
  });

  test('puts known labels before others and the better populated first', () => {
    // Histology has 5 of its rarer class, one fewer than asked for. "Age" with two values in one table is two-valued too,
    // and loses to better populated columns.
    expect(chooseTasks([north, south]).map(({ name }) => name)).toEqual([
      'sex',
      'ever-smoker',
      'tumor-location-choice-rul',
      'contrast-agent',
    ]);
  });

  test('never takes an outcome as a label', () => {
    const outcomes = { ...north, columns: [column('Survival Status', { Alive: 21, Dead: 12 })] };
    expect(chooseTasks([outcomes])).toEqual([]);
  });

  test('does not count ways of saying unknown as a class', () => {
    const unknown = { ...north, columns: [column('Stent', { Yes: 12, 'Not Collected': 21 })] };
    expect(chooseTasks([unknown])).toEqual([]);
  });
});

describe('isExcluded()', () => {
  test.each([
    'Survival Status',
    'Time to Death (days)',
    'Date of Last Known Alive',
    'CT Date',
    'Recurrence Location',
    'Case ID',
    'Days between CT and surgery',
    'Patient affiliation',
  ])('excludes "%s"', (heading) => {
    expect(isExcluded(heading)).toBe(true);
  });

  test.each([
    'Smoking status',
    'EGFR mutation status',
    'Pathological T stage',
    'Pack Years',
    'Updated grade',
  ])('keeps "%s"', (heading) => {
    expect(isExcluded(heading)).toBe(false);
  });

  test('lists each spelling once', () => {
    expect(excludedColumns([north, north])).toEqual(['Survival Status']);
  });
});

describe('chooseGenes()', () => {
  const named = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix}${1000 + i}`);
  const withGenes = (genes: string[] | null): SiteSurvey => ({ ...south, genes });

  test('takes what hospitals with expression have in common, in alphabetical order', () => {
    const common = named(60, 'B');
    expect(
      chooseGenes([withGenes([...common, 'X1']), withGenes(null), withGenes(['Y1', ...common.toReversed()])]),
    ).toEqual(common);
  });

  test('takes all when too few are common', () => {
    expect(chooseGenes([withGenes(['C', 'A']), withGenes(['B', 'A'])])).toEqual(['A', 'B', 'C']);
  });

  test('prefers genes that more hospitals have when there are too many', () => {
    const genes = chooseGenes([withGenes([...named(1500, 'A'), 'ZZZ']), withGenes([...named(1500, 'B'), 'ZZZ'])])!;
    expect(genes).toHaveLength(maximumGenes);
    expect(genes).toContain('ZZZ');
  });

  test('is null without expression anywhere', () => {
    expect(chooseGenes([south])).toBeNull();
  });
});

describe('heldOutShare()', () => {
  test.each([
    [[100, 34], { fraction: 0.3, minimumPatients: 10 }],
    [[33, 38], { fraction: 0.4, minimumPatients: 10 }],
    [[33, 38, 22], { fraction: 0.5, minimumPatients: 10 }],
    [[14], { fraction: 0.5, minimumPatients: 7 }],
    [[4], { fraction: 0.5, minimumPatients: 5 }],
  ])('of hospitals with %j patients is %j', (patients, share) => {
    expect(heldOutShare(patients)).toEqual(share);
  });
});

describe('folderPlan()', () => {
  test.each([true, false])('gives a plan that its schema accepts (quick: %s)', (quick) => {
    const plan = folderPlan([north, south], { name: 'two-hospitals', quick, private: false });
    expect(plan.evaluation.tasks).toHaveLength(4);
    expect(plan.participation.quorum).toBe(2);
    expect(plan.expression?.genes).toEqual(['ALK', 'EGFR', 'TP53']);
    for (const { maximumLocalSteps, batch } of plan.stages) {
      expect(maximumLocalSteps! * batch).toBeLessThanOrEqual(plan.protection.maximumSampleCount);
    }
  });

  test('leaves expression out when no hospital has it', () => {
    expect(folderPlan([south], { name: 'one', quick: true, private: false }).expression).toBeUndefined();
  });

  test('refuses folders without CT', () => {
    expect(() => folderPlan([{ ...south, patientsWithCt: 0 }], { name: 'none', quick: true, private: false })).toThrow(
      /no site has a patient/,
    );
  });
});
