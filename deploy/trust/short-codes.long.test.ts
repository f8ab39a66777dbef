/** Whole studies with 16-bit codes and with noise inside the sum: a real coordinator, the real client but for training. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { startTestCoordinator, testPlan } from '@wardround/coordinator/testing/test-coordinator.ts';
import type { StudyState } from '@wardround/protocols/round/state.ts';
import type { Work } from '@wardround/protocols/session/messages.ts';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { epsilonSpent } from '@wardround/shared/privacy/rdp.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { runSites } from './testing/run-sites.ts';
import { createSessionSite, type SessionSite } from './testing/session-site.ts';

const three = ['basel', 'geneva', 'zurich'];
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function plan(protection: object, { rounds = 2, quorum = 3 } = {}): StudyPlan {
  const base = testPlan({ rounds, quorum });
  return checkStudyPlan({
    ...base,
    stages: base.stages.slice(0, 1),
    evaluation: { ...base.evaluation, trainAlone: false },
    protection: { ...base.protection, ...protection },
  });
}

async function finish(ofPlan: StudyPlan) {
  const coordinator = await startTestCoordinator();
  cleanUps.push(() => coordinator.close());
  const sites: SessionSite[] = [];
  /** What each site has kept of rounding when its training is over. */
  const residuals = new Map<string, Residual>();
  const before = async (work: Work, site: string) => {
    const own = sites.find((candidate) => candidate.site === site)!;
    if (work.kind === 'evaluate' && ofPlan.protection.codeBits === 16 && !residuals.has(site)) {
      residuals.set(site, await residualOf(own));
    }
  };
  for (const site of await coordinator.join(...three)) sites.push(await createSessionSite(site, { before }));
  const study = await coordinator.launch(ofPlan);
  cleanUps.push(runSites(sites));
  const said = () => sites.flatMap(({ log }) => log.filter((line) => !line.includes('summary'))).join('\n');
  await vi.waitFor(async () => expect((await coordinator.study(study)).state.endedAtMillis, said()).not.toBeNull(), {
    timeout: 80_000,
    interval: 50,
  });
  const { state } = await coordinator.study(study);
  expect(state.phase, said()).toEqual({ kind: 'finished' });
  return { state, sites, residuals };
}

const modelsOf = ({ stages }: StudyState) => stages.flatMap(({ initialModel, model }) => [initialModel, model]);

interface Residual {
  readonly carried: string;
  readonly candidate: { readonly round: number; readonly residual: string; readonly isTakenUp: boolean };
}

/** What the site carries of rounding errors, by the names of their files. */
async function residualOf({ folder }: SessionSite): Promise<Residual> {
  const [stage] = await readdir(path.join(folder, 'residuals'));
  return JSON.parse(await readFile(path.join(folder, 'residuals', stage!, 'residual.json'), 'utf8'));
}

describe('a study with 16-bit codes', () => {
  test('gives the models of the sealed study bit for bit, with the same residuals kept at the sites', {
    timeout: 200_000,
  }, async () => {
    const sealed = await finish(plan({ mode: 'sealed', codeBits: 16 }));
    const secure = await finish(plan({ mode: 'secure-aggregation', codeBits: 16 }));
    expect(modelsOf(secure.state)).toEqual(modelsOf(sealed.state));
    expect(new Set(modelsOf(secure.state)).size).toBe(2);
    for (const site of three) {
      const { carried, candidate } = secure.residuals.get(site)!;
      // The first round's counts, and the second waits for a third.
      expect(carried).toMatch(/^[0-9a-f]{64}$/);
      expect(candidate.round).toBe(2);
      expect(candidate.residual).not.toBe(carried);
      const { residual } = candidate;
      expect(sealed.residuals.get(site)).toMatchObject({ carried, candidate: { residual, isTakenUp: true } });
    }
    for (const { folder } of secure.sites) expect(await readdir(path.join(folder, 'residuals'))).toEqual([]);
  });
});

describe('a study with central privacy', () => {
  test('ends, tells nothing but noisy sums, and has charged every round at every site', {
    timeout: 200_000,
  }, async () => {
    const centralPrivacy = { noiseMultiplier: 2, delta: 1e-5 };
    const { state, sites } = await finish(
      plan({ mode: 'secure-aggregation', updateNormLimit: { norm: 1 }, centralPrivacy }, { rounds: 2 }),
    );
    const { rounds } = state.stages[0]!;
    expect(rounds.map(({ outcome }) => outcome?.kind)).toEqual(['committed', 'committed']);
    for (const { folder } of sites) {
      const lines = (await readFile(path.join(folder, 'privacy', 'patients.jsonl'), 'utf8')).trim().split('\n');
      const charges = lines.map((line) => JSON.parse(line));
      expect(
        charges.map(({ noiseMultiplier, samplingRate, steps }) => ({ noiseMultiplier, samplingRate, steps })),
      ).toEqual(new Array(2).fill({ noiseMultiplier: 2, samplingRate: 1, steps: 1 }));
      expect(epsilonSpent(charges, { delta: 1e-5 })).toBeGreaterThan(1);
    }
  });
});
