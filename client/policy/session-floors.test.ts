import { beginPlay, createConsortium, playAll } from '@wardround/protocols/secure-aggregation/simulated-session.ts';
import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { describe, expect, test } from 'vitest';
import { sessionFloors } from './session-floors.ts';
import { NO_POLICY } from './site-policy.ts';

const plain = StudyPlan.parse(smallPlan());
const central = StudyPlan.parse({
  ...smallPlan(),
  evaluation: { ...smallPlan().evaluation, trainAlone: false },
  participation: { ...smallPlan().participation, quorum: 6 },
  protection: {
    ...smallPlan().protection,
    mode: 'secure-aggregation',
    updateNormLimit: { norm: 1 },
    centralPrivacy: { noiseMultiplier: 4, delta: 1e-3 },
  },
});

describe('sessionFloors()', () => {
  test('are the policy’s', () => {
    expect(sessionFloors(plain, NO_POLICY)).toEqual({ minimumSites: 0, minimumThreshold: 0 });
    const policy = { ...NO_POLICY, minimumSites: 4, minimumThreshold: 3 };
    expect(sessionFloors(plain, policy)).toEqual({ minimumSites: 4, minimumThreshold: 3 });
  });

  test('are the quorum at least under central privacy', () => {
    expect(sessionFloors(central, NO_POLICY).minimumSites).toBe(6);
    expect(sessionFloors(central, { ...NO_POLICY, minimumSites: 9 }).minimumSites).toBe(9);
  });

  test('are the cohort’s size at least in a plan with cohorts', () => {
    const cohorts = StudyPlan.parse({
      ...smallPlan(),
      participation: { ...smallPlan().participation, quorum: 12 },
      protection: { ...smallPlan().protection, mode: 'secure-aggregation', cohorts: { size: 4, rule: 'median' } },
    });
    expect(sessionFloors(cohorts, NO_POLICY).minimumSites).toBe(4);
    expect(sessionFloors(cohorts, { ...NO_POLICY, minimumSites: 6 }).minimumSites).toBe(6);
  });

  test('a coordinator that opens a session of fewer sites than the noise counts on is left', () => {
    for (const [sites, ends] of [
      [5, false],
      [6, true],
    ] as const) {
      const consortium = createConsortium(sites, { words: 3 });
      const floors = sessionFloors(central, NO_POLICY);
      const contexts = new Map([...consortium.contexts].map(([site, context]) => [site, { ...context, floors }]));
      const vectors = new Map([...contexts.keys()].map((site) => [site, Int32Array.of(1, 2, 3)]));
      const played = playAll(beginPlay({ ...consortium, contexts }, { vectors }));
      expect(played.ok).toBe(ends);
      if (!played.ok) expect(played.reason).toContain('floor-minimum-sites');
    }
  });
});
