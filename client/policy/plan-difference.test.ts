import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { describe, expect, test } from 'vitest';
import { planDifference } from './plan-difference.ts';

const plan = StudyPlan.parse(smallPlan());
const changed = (change: (plan: ReturnType<typeof smallPlan>) => void) => {
  const draft = smallPlan();
  change(draft);
  return planDifference(plan, StudyPlan.parse(draft));
};

/** Every place in a plan that holds a value, as a function that changes it. */
function places(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, member]) => places(member, [...path, Array.isArray(value) ? +key : key]));
}

function other(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  return typeof value === 'boolean' ? !value : `${value}x`;
}

describe('planDifference()', () => {
  test('says nothing of the same plan', () => {
    expect(planDifference(plan, StudyPlan.parse(smallPlan()))).toEqual([]);
  });

  test('says in plain words what changes, and what it was', () => {
    expect(changed((draft) => Object.assign(draft.protection, { clip: 0.5 }))).toEqual([
      'The most a trained number may change in a round: 0.5, was 0.1.',
    ]);
    expect(changed((draft) => Object.assign(draft.stages[0]!, { rounds: 20 }))).toEqual([
      'Training (slices, rounds): 20, was 2.',
    ]);
    expect(changed((draft) => draft.expression.genes.push('MYC'))).toEqual([
      'The genes that are read: 1 added ("MYC").'.replaceAll('"', ''),
    ]);
    expect(changed((draft) => void draft.stages.pop())).toEqual([
      expect.stringContaining('Training (alignment): no longer there, was'),
    ]);
    expect(changed((draft) => void draft.expression.genes.reverse())).toEqual([
      'The genes that are read: in another order.',
    ]);
  });

  test('leaves out no change of any single value', () => {
    const all = places(plan);
    expect(all.length).toBeGreaterThan(60);
    for (const path of all) {
      const draft = structuredClone(plan);
      const holder = path
        .slice(0, -1)
        .reduce<Record<string | number, unknown>>((at, key) => at[key] as never, draft as never);
      holder[path.at(-1)!] = other(holder[path.at(-1)!]);
      expect(planDifference(plan, draft), path.join('.')).not.toEqual([]);
      expect(planDifference(draft, plan), path.join('.')).not.toEqual([]);
    }
  });

  test('lets no text of the plan move the cursor', () => {
    const [line] = changed((draft) => Object.assign(draft, { description: 'a\u001b[2J\u202eb' }));
    expect(line).toBe('The description: a [2J b, was empty.');
  });
});
