import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { checkStudyPlan, parseStudyPlan, StudyPlanError } from './parse-plan.ts';
import { planHash } from './plan.ts';
import { smallPlan } from './small-plan.ts';

/** The small plan with one value changed, or removed when `value` is undefined. */
function changed(path: string, value: unknown): unknown {
  const plan = smallPlan();
  const keys = path.split('.');
  let holder = plan as unknown as Record<string, never>;
  for (const key of keys.slice(0, -1)) holder = holder[key]!;
  if (value === undefined) delete holder[keys.at(-1)!];
  else (holder as Record<string, unknown>)[keys.at(-1)!] = value;
  return plan;
}

function problems(plan: unknown): readonly string[] {
  try {
    checkStudyPlan(plan);
  } catch (error) {
    if (error instanceof StudyPlanError) return error.problems;
    throw error;
  }
  return [];
}

describe('checkStudyPlan()', () => {
  test('fills in defaults, so that spelling them out changes no hash', () => {
    const plan = checkStudyPlan(smallPlan());
    expect(plan.stages[0]!.server).toEqual({ kind: 'fedavg', learningRate: 1 });
    expect(plan.evaluation).toMatchObject({ minimumPatients: 10, trainAlone: true });
    const explicit = changed('stages.0.server', { learningRate: 1, kind: 'fedavg' });
    expect(planHash(checkStudyPlan(explicit))).toBe(planHash(plan));
    expect(planHash(checkStudyPlan(plan))).toBe(planHash(plan));
    expect(planHash(checkStudyPlan(changed('seed', 8)))).not.toBe(planHash(plan));
  });

  test('takes a robust rule with its mode alone, and with enough sites for it', () => {
    const robust = (protection: object, quorum: number) => {
      const plan = smallPlan();
      return problems({
        ...plan,
        protection: { ...plan.protection, ...protection },
        participation: { ...plan.participation, quorum },
      });
    };
    const krum = { mode: 'plain-robust', robust: { rule: 'krum', faulty: 1 } };
    expect(robust(krum, 5)).toEqual([]);
    expect(robust(krum, 4)).toEqual(['participation.quorum: krum needs 5 updates to withstand 1 faulty ones']);
    const needed = ['protection.robust: needed with the mode plain-robust, and with no other'];
    expect(robust({ mode: 'plain-robust' }, 5)).toEqual(needed);
    expect(robust({ ...krum, mode: 'sealed' }, 5)).toEqual(needed);
  });

  test('gives the small plan a known hash', () => {
    expect(planHash(checkStudyPlan(smallPlan()))).toBe(
      'da50143f9ac41ee2f50c7ac6891527112dce36fafec242c73d96611a1488e1d4',
    );
  });

  test.each([
    ['stages.0.batch', 1, 'stages[0].batch: needed a whole number from 2 to 4096, found 1'],
    ['stages.0.batch', 2.5, 'stages[0].batch: needed a whole number from 2 to 4096, found 2.5'],
    ['seed', -1, 'seed: needed a whole number from 0 to 4294967295, found -1'],
    ['seed', '7', 'seed: needed a whole number from 0 to 4294967295, found "7"'],
    ['seed', Number.NaN, 'seed: needed a whole number from 0 to 4294967295, found NaN'],
    ['seed', undefined, 'seed: needed a whole number from 0 to 4294967295, found nothing'],
    [
      'imaging.sizePixels',
      100,
      'imaging.sizePixels: needed a whole number from 32 to 512 that is a multiple of 16, found 100',
    ],
    ['stages.1.temperature', 0, 'stages[1].temperature: needed a number above 0 and of at most 10, found 0'],
    ['stages.0.kind', 'x', 'stages[0].kind: needed "slice-pretraining" or "alignment", found "x"'],
    ['stages.0.kind', undefined, 'stages[0].kind: needed "slice-pretraining" or "alignment", found nothing'],
    ['stages.0.objective', 'moco', 'stages[0].objective: needed "simclr", found "moco"'],
    [
      'stages.1.server',
      { kind: 'fedavgm', momentum: 2 },
      'stages[1].server.momentum: needed a number from 0 to 0.9999, found 2',
    ],
    [
      'stages.1.server',
      { kind: 'sgd' },
      'stages[1].server.kind: needed "fedavg" or "fedavgm" or "fedadam" or "fedyogi" or "fedadagrad", found "sgd"',
    ],
    ['stages', { 0: 1 }, 'stages: needed a list of 1 to 2 entries, found a group of settings'],
    [
      'stages.1',
      null,
      'stages[1]: needed a group of settings with kind "slice-pretraining" or a group of settings with kind "alignment", found null',
    ],
    ['name', 'Lung Study', 'name: must be 1 to 40 lower-case letters, digits or inner hyphens, found "Lung Study"'],
    [
      'name',
      'ä'.repeat(50),
      'name: must be 1 to 40 lower-case letters, digits or inner hyphens, found a text of 50 characters',
    ],
    ['format', 'wardround-study/2', 'format: needed "wardround-study/1", found "wardround-study/2"'],
    ['clinical.fields', 'all', 'clinical.fields: needed "auto" or a list of 1 to 512 entries, found "all"'],
    [
      'clinical.fields',
      [{ name: 'age', kind: 'numeric', columns: [3] }],
      'clinical.fields[0].columns[0]: needed a text of 1 to 200 characters, found 3',
    ],
    [
      'clinical.fields',
      [{ name: 'sex', kind: 'categorical', columns: ['sex'], categories: { F: ['f'] } }],
      'clinical.fields[0].categories.F: the name must be 1 to 40 lower-case letters, digits or inner hyphens',
    ],
    ['imaging.windowHounsfield.low', 400, 'imaging.windowHounsfield: low must be below high'],
    ['expression.genes', ['TP53', 'TP53'], 'expression.genes: each gene may appear once'],
    ['evaluation.trainAlone', 'yes', 'evaluation.trainAlone: needed true or false, found "yes"'],
    ['protection.clip', 0, 'protection.clip: needed a number from 0.000001 to 100, found 0'],
    [
      'protection.mode',
      undefined,
      'protection.mode: needed "secure-aggregation" or "sealed" or "plain-robust", found nothing',
    ],
    [
      'protection.clipping',
      1,
      'protection: there is no setting "clipping"; there are mode, clip, maximumSampleCount, robust, updateNormLimit, gate, privacy, centralPrivacy, stableCohorts, cohorts, codeBits',
    ],
    ['encoders', undefined, 'encoders: needed a group of settings, found nothing'],
  ])('names what is wrong with %s = %j', (path, value, problem) => {
    expect(problems(changed(path, value))).toEqual([problem]);
  });

  test('names the settings of the stage’s kind when one is unknown', () => {
    const [problem] = problems(changed('stages.1.bach', 8));
    expect(problem).toMatch(/^stages\[1\]: there is no setting "bach"; there are .*embeddingWidth/);
  });

  test('lists every problem at once', () => {
    const plan = changed('stages.0.batch', 1) as ReturnType<typeof smallPlan>;
    plan.participation.quorum = 0;
    plan.name = '';
    expect(problems(plan)).toHaveLength(3);
    expect(() => checkStudyPlan(plan)).toThrow(/- name: .*\n- stages\[0\]\.batch: .*\n- participation\.quorum: /);
  });

  test('needs a stage', () => {
    expect(problems(changed('stages', []))).toContain(
      'stages: needed a list of 1 to 2 entries, found a list of 0 entries',
    );
  });

  test('holds stages to their order and to different names', () => {
    const plan = smallPlan();
    expect(problems({ ...plan, stages: plan.stages.toReversed() })).toEqual([
      'stages[0]: the first stage must be slice-pretraining',
      'stages[1]: the second stage must be alignment',
    ]);
    expect(problems(changed('stages.1.name', 'slices'))).toEqual(['stages: stages must have different names']);
  });

  test.each([undefined, null, 5, 'plan', true, [], [[]], () => 1])('refuses %s', (value) => {
    expect(problems(value)).toEqual([expect.stringMatching(/^the plan: needed a group of settings, found /)]);
  });

  test('counts what it does not list', () => {
    const plan = changed('expression.genes', new Array(500).fill(0)) as object;
    expect(problems(plan)).toHaveLength(500);
    expect(() => checkStudyPlan(plan)).toThrow(/expression\.genes\[99\].*\nand 400 more$/);
  });

  test('turns any damage into a StudyPlanError or a plan, never into another error', () => {
    const random = createRandom('damaged plans');
    const garbage: unknown[] = [
      undefined,
      null,
      -1,
      1e308,
      Number.NaN,
      '',
      'x',
      '\u0000',
      [],
      {},
      [[1]],
      { kind: 'alignment' },
      true,
    ];
    const damage = (value: unknown): unknown => {
      if (random.next() < 0.06) return garbage[random.int(garbage.length)];
      if (Array.isArray(value)) return value.map(damage);
      if (typeof value !== 'object' || value === null) return value;
      const entries = Object.entries(value).map(([key, member]) => [
        random.next() < 0.02 ? '__proto__' : key,
        damage(member),
      ]);
      return Object.fromEntries(entries);
    };
    let refused = 0;
    for (let trial = 0; trial < 1000; trial += 1) refused += problems(damage(smallPlan())).length > 0 ? 1 : 0;
    expect(refused).toBeGreaterThan(500);
  });
});

describe('parseStudyPlan()', () => {
  test('reads JSON', () => {
    expect(parseStudyPlan(JSON.stringify(smallPlan()))).toEqual(checkStudyPlan(smallPlan()));
  });

  test.each([
    ['', 'not well-formed'],
    ['{"format":', 'not well-formed'],
    ['name: small-study', 'not well-formed'],
    [JSON.stringify(smallPlan()).replace('"seed":7', '"seed":7,"seed":8'), 'the same name'],
    ['{}', 'found nothing'],
  ])('refuses %j', (text, message) => {
    expect(() => parseStudyPlan(text)).toThrow(StudyPlanError);
    expect(() => parseStudyPlan(text)).toThrow(message);
  });
});
