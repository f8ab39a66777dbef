import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { describe, expect, test } from 'vitest';
import { ownCohort } from './own-cohort.ts';

const planned = (protection: object) =>
  StudyPlan.parse({
    ...smallPlan(),
    participation: { ...smallPlan().participation, quorum: 9 },
    protection: { ...smallPlan().protection, mode: 'secure-aggregation', ...protection },
  });
const cohorts = { size: 3, rule: 'median' };
const plan = planned({ cohorts });
const trained = Array.from({ length: 10 }, (_, i) => `site-${i}`);
const work = { study: sha256Hex('study'), stage: 'slices', round: 4, attempt: 2, trained };
const roster = { signingKeys: new Map(trained.map((site) => [site, ''])) };
const of = (site: string) => ({ site, roster });
const wrong = expect.objectContaining({ reason: 'cohort-wrong' });

describe('ownCohort()', () => {
  test('is the same at all sites of a cohort, and every site is in one', () => {
    const found = trained.map((site) => ownCohort({ work, plan }, of(site))!);
    for (const [i, site] of trained.entries()) {
      expect(found[i]!.members).toContain(site);
      expect(found[i]!.members.length).toBeGreaterThanOrEqual(3);
      for (const other of found[i]!.members) expect(found[trained.indexOf(other)]).toEqual(found[i]);
    }
    expect(new Set(found.map(({ index }) => index)).size).toBe(3);
  });

  test('is the same in the next round', () => {
    const next = { ...work, round: work.round + 1 };
    const members = (at: typeof work) => trained.map((site) => ownCohort({ work: at, plan }, of(site)));
    expect(members(next)).toEqual(members(work));
  });

  test('is none where the site says that it has trained, or the plan has none', () => {
    const { trained: _, ...first } = work;
    expect(ownCohort({ work: { ...first, attempt: 1 }, plan }, of('site-1'))).toBeUndefined();
    expect(ownCohort({ work: first, plan: planned({}) }, of('site-1'))).toBeUndefined();
  });

  test.each([
    ['no list in a later attempt', { trained: undefined }],
    ['a list in the first attempt', { attempt: 1 }],
    ['a list without this site', { trained: trained.filter((site) => site !== 'site-1') }],
    ['a site twice', { trained: [...trained, 'site-2'] }],
    ['a site that is not in the roster', { trained: [...trained, 'an-invented-one'] }],
    ['more attempts than there are', { attempt: 4 }],
    ['fewer sites than the rule needs cohorts of', { trained: trained.slice(0, 8) }],
  ])('refuses %s', (_, change) => {
    expect(() => ownCohort({ work: { ...work, ...change } as typeof work, plan }, of('site-1'))).toThrow(wrong);
  });

  test('refuses cohorts that the plan does not have', () => {
    expect(() => ownCohort({ work, plan: planned({}) }, of('site-1'))).toThrow(wrong);
  });
});
