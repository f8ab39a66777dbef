/** Whole studies with cohorts: a real coordinator, the real client but for training, drop-outs and restarts. */
import { replayRound } from '@wardround/client/audit/replay-round.ts';
import { openTranscriptLink, type TranscriptLink } from '@wardround/client/link/transcript-link.ts';
import { pinnedChain } from '@wardround/client/state/pinned-roster.ts';
import {
  startTestCoordinator,
  type TestCoordinator,
  testPlan,
} from '@wardround/coordinator/testing/test-coordinator.ts';
import { type TestSite, testSequence } from '@wardround/coordinator/testing/test-site.ts';
import type { StudyState } from '@wardround/protocols/round/state.ts';
import type { Work } from '@wardround/protocols/session/messages.ts';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { runSites } from './testing/run-sites.ts';
import { createSessionSite, type SessionSite, type SiteHooks } from './testing/session-site.ts';

const namesOf = (count: number) => Array.from({ length: count }, (_, i) => `site-${String(i).padStart(2, '0')}`);
const nine = namesOf(9);
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function plan(
  options: { sessionSeconds?: number; rounds?: number; codeBits?: 16; stableCohorts?: true } = {},
): StudyPlan {
  const { sessionSeconds = 60, rounds = 2, ...protection } = options;
  const base = testPlan({ rounds, quorum: 9 });
  return checkStudyPlan({
    ...base,
    stages: base.stages.slice(0, 1),
    participation: { ...base.participation, sessionDeadlineSeconds: sessionSeconds },
    protection: {
      ...base.protection,
      mode: 'secure-aggregation',
      cohorts: { size: 3, rule: 'median' },
      ...protection,
    },
  });
}

interface Finished {
  readonly joined: readonly TestSite[];
  readonly sites: readonly SessionSite[];
  readonly state: StudyState;
  readonly said: string;
}

async function finish(
  names: readonly string[],
  ofPlan: StudyPlan,
  hooks: (coordinator: TestCoordinator) => SiteHooks = () => ({}),
): Promise<Finished> {
  const coordinator = await startTestCoordinator();
  cleanUps.push(() => coordinator.close());
  const own = hooks(coordinator);
  const sites: SessionSite[] = [];
  const joined = await coordinator.join(...names);
  for (const site of joined) sites.push(await createSessionSite(site, own));
  const study = await coordinator.launch(ofPlan);
  cleanUps.push(runSites(sites));
  const said = () =>
    sites
      .flatMap(({ site, log }) => log.filter((line) => !line.includes('summary')).map((line) => `${site}: ${line}`))
      .join('\n');
  await vi.waitFor(async () => expect((await coordinator.study(study)).state.endedAtMillis, said()).not.toBeNull(), {
    timeout: 250_000,
    interval: 100,
  });
  const { state } = await coordinator.study(study);
  return { joined, sites, state, said: said() };
}

/** What was computed, without times. */
const resultsOf = ({ stages }: StudyState) =>
  stages.flatMap(({ initialModel, model, rounds }) => [
    initialModel,
    model,
    ...rounds.map(({ outcome, session }) => [
      session?.cohorts,
      outcome?.kind === 'committed' && [outcome.participants, outcome.model, outcome.cohortSums],
    ]),
  ]);

const restartingIn = (restarted: Set<string>) => (coordinator: TestCoordinator) => ({
  async before(work: Work, site: string) {
    if (site !== nine[0] || work.kind !== 'secure-session' || restarted.has(work.step)) return;
    restarted.add(work.step);
    await coordinator.restart();
  },
});

describe('a study with cohorts', () => {
  test('ends with a sum of each cohort, and with the same bytes when the coordinator restarts in each step', {
    timeout: 300_000,
  }, async () => {
    const whole = await finish(nine, plan({ rounds: 1 }));
    expect(whole.state.phase, whole.said).toEqual({ kind: 'finished' });
    const { rounds } = whole.state.stages[0]!;
    for (const { outcome, session } of rounds) {
      expect(outcome).toMatchObject({ kind: 'committed', participants: nine, cohortSums: { length: 3 } });
      expect(session).toMatchObject({ attempt: 2, aborts: [], conflicts: [] });
      expect(session?.cohorts?.map(({ length }) => length)).toEqual([3, 3, 3]);
    }

    const restarted = new Set<string>();
    const again = await finish(nine, plan({ rounds: 1 }), restartingIn(restarted));
    expect(again.state.phase, again.said).toEqual({ kind: 'finished' });
    expect(restarted.size).toBe(5);
    expect(resultsOf(again.state)).toEqual(resultsOf(whole.state));
  });

  test('in 16 bits, leaves out the cohort of a site that drops out, by name; every site follows, and can replay it', {
    timeout: 300_000,
  }, async () => {
    const twelve = namesOf(12);
    // Time enough for a busy machine: it is waited for once.
    const ofPlan = plan({ rounds: 1, codeBits: 16, sessionSeconds: 20 });
    const { state, said, joined, sites } = await finish(twelve, ofPlan, () => ({
      before(work, site) {
        const isGone = site === 'site-04' && work.kind === 'secure-session';
        if (isGone && work.attempt > 1 && work.step !== 'advertise' && work.step !== 'share-keys') {
          throw new Error('away');
        }
      },
    }));
    // Nobody could have evaluated who had not computed every round's model.
    expect(state.phase, said).toEqual({ kind: 'finished' });
    expect(Object.keys(state.evaluation!.reports).sort(), said).toEqual(twelve);
    const { rounds: played, name: stage } = state.stages[0]!;
    const { session, outcome, leftOut } = played.at(-1)!;
    const lost = session!.cohorts!.find((members) => members.includes('site-04'))!;
    const participants = twelve.filter((site) => !lost.includes(site));
    expect(outcome).toMatchObject({ kind: 'committed', participants, cohortSums: { length: 3 } });
    expect(leftOut).toEqual(
      lost.map((site) => ({ site, reason: site === 'site-04' ? 'dropped-out' : 'cohort-too-small' })),
    );

    const [{ identity, coordinator, site }] = joined as [TestSite];
    const { signal } = new AbortController();
    const honest = openTranscriptLink({ coordinator, identity, site, sequence: testSequence, signal });
    cleanUps.push(() => honest.close());
    const replay = async (link: TranscriptLink) =>
      replayRound(
        { study: state.study, stage, round: 1 },
        {
          ...{ plan: ofPlan, link, followed: [], nowMillis: Date.now() },
          rosters: await pinnedChain(sites[0]!.folder),
        },
      );
    if (outcome?.kind !== 'committed') throw new Error('the round was not committed');
    expect(await replay(honest)).toEqual({ sum: outcome.sum, survivors: participants, isFollowed: false });
    const altered: TranscriptLink = {
      ...honest,
      async modelChain(reference) {
        const chain = await honest.modelChain(reference);
        const last = chain.links.at(-1)!;
        const cohortSums = last.cohortSums!.with(1, last.cohortSums![0]!);
        return { ...chain, links: chain.links.with(-1, { ...last, cohortSums }) };
      },
    };
    await expect(replay(altered)).rejects.toMatchObject({ fault: 'sum-altered' });
  });

  test('is left by every site when the coordinator names one of the companions itself', {
    timeout: 120_000,
  }, async () => {
    const { state, said } = await finish(nine, plan({ rounds: 1, sessionSeconds: 6 }), () => ({
      wrapLink: (link) => ({
        ...link,
        // What a coordinator would say that wants to choose who is with whom.
        async work(signal) {
          const work = await link.work(signal);
          if (work.kind !== 'secure-session' || work.trained === undefined) return work;
          return { ...work, trained: work.trained.map((site, i) => (i === 0 ? 'an-invented-one' : site)).sort() };
        },
      }),
    }));
    expect(state.phase.kind).toBe('failed');
    expect(said).toContain('who aggregates together in this round');
    const { leftOut } = state.stages[0]!.rounds[0]!;
    expect(new Set(leftOut.map(({ reason }) => reason))).toEqual(new Set(['cohort-wrong']));
  });

  test('is refused at launch with fewer sites than its rule needs cohorts of', async () => {
    const coordinator = await startTestCoordinator();
    cleanUps.push(() => coordinator.close());
    await coordinator.join(...nine);
    const base = plan();
    const large = checkStudyPlan({
      ...base,
      participation: { ...base.participation, quorum: 12 },
      protection: { ...base.protection, cohorts: { size: 4, rule: 'median' } },
    });
    await expect(coordinator.launch(large)).rejects.toThrow(/quorum is 12 and 9 sites/);
  });
});
