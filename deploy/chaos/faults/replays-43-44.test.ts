/**
 * Faults 43 and 44, in every step of a session: what a site has said comes again, as it was recorded, from long ago, out of
 * turn, for an attempt that is not, after its round, or different. The study ends with the weights of an undisturbed one.
 */
import type { SessionStepReference, SiteLink } from '@wardround/client/link/site-link.ts';
import { databasePlace } from '@wardround/coordinator/storage/database-place.ts';
import { createEvidenceTable } from '@wardround/coordinator/storage/evidence-table.ts';
import { openDatabaseForReading } from '@wardround/coordinator/storage/open-database.ts';
import { stateFolder } from '@wardround/coordinator/storage/state-folder.ts';
import {
  startTestCoordinator,
  type TestCoordinator,
  testPlan,
} from '@wardround/coordinator/testing/test-coordinator.ts';
import { nextSequence, type RequestChanges, type TestSite } from '@wardround/coordinator/testing/test-site.ts';
import { verifyEvidence } from '@wardround/protocols/audit/verify-evidence.ts';
import { PHASES } from '@wardround/protocols/secure-aggregation/messages.ts';
import type { SessionOffer } from '@wardround/protocols/session/messages.ts';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { publicKeys } from '@wardround/shared/crypto/identity.ts';
import { afterEach, expect, test, vi } from 'vitest';
import { runSites } from '../../trust/testing/run-sites.ts';
import { createSessionSite } from '../../trust/testing/session-site.ts';

const names = ['basel', 'geneva', 'zurich'];
const base = testPlan({ rounds: 2, quorum: 3 });
const plan = checkStudyPlan({
  ...base,
  stages: base.stages.slice(0, 1),
  protection: { ...base.protection, mode: 'secure-aggregation' },
});
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

type Said = readonly [SessionStepReference, SessionOffer];

/** Runs the study; `onSaid` is called with what a site has said and the coordinator has acknowledged. */
async function run(onSaid: (site: TestSite, said: Said) => Promise<void> = async () => undefined) {
  const coordinator = await startTestCoordinator();
  cleanUps.push(() => coordinator.close());
  const joined = await coordinator.join(...names);
  const wrapLink = (link: SiteLink, name: string): SiteLink => ({
    ...link,
    async sendSessionMessage(step, offer, signal) {
      await link.sendSessionMessage(step, offer, signal);
      await onSaid(joined.find(({ site }) => site === name)!, [step, offer]);
    },
  });
  const sites = await Promise.all(joined.map((site) => createSessionSite(site, { wrapLink })));
  const study = await coordinator.launch(plan);
  cleanUps.push(runSites(sites));
  const state = async () => (await coordinator.study(study)).state;
  await vi.waitFor(async () => expect((await state()).endedAtMillis).not.toBeNull(), {
    timeout: 200_000,
    interval: 50,
  });
  const ended = await state();
  expect(ended.phase).toEqual({ kind: 'finished' });
  return { coordinator, models: ended.stages[0]?.rounds.map(({ outcome }) => outcome), joined };
}

const pathOf = ({ study, stage, round, attempt, step }: SessionStepReference) =>
  `/v1/studies/${study}/stages/${stage}/rounds/${round}/attempts/${attempt}/${step}`;

async function evidenceOf(coordinator: TestCoordinator) {
  await using database = await openDatabaseForReading(databasePlace(stateFolder(coordinator.folder).database, null));
  return await createEvidenceTable(database).list();
}

test('faults 43 and 44: R0 to R4 again, recorded, old, out of turn, late and different change nothing', {
  timeout: 240_000,
}, async () => {
  const undisturbed = await run();
  const answers: string[] = [];
  const first = new Map<string, Said>();
  const disturbed = await run(async (site, said) => {
    if (site.site !== 'geneva') return;
    const [reference, offer] = said;
    const { step, round } = reference;
    const say = async (what: string, to: SessionStepReference, changes: RequestChanges = {}) => {
      const body = canonicalJson(offer);
      const answer = await site.request('POST', pathOf(to), { body, ...changes });
      answers.push(`${what}: ${answer.status} ${answer.body.code ?? 'acknowledged'}`);
    };
    const sequence = nextSequence();
    await say('again', reference, { sequence });
    await say('recorded', reference, { sequence });
    await say('ten minutes old', reference, { nowMillis: Date.now() - 600_000 });
    await say('at another step', { ...reference, step: PHASES[(PHASES.indexOf(step) + 1) % PHASES.length]! });
    await say('for an attempt that is not', { ...reference, attempt: 2 });
    await say('for a round that is not', { ...reference, round: 9 });
    const other = { ...offer, message: { ...offer.message, signature: 'A'.repeat(86) } };
    await say('different', reference, { body: canonicalJson(other) });
    if (round === 1) first.set(step, said);
    const [earlier, old] = first.get(step) ?? said;
    if (round === 2) await say('a round late', earlier, { body: canonicalJson(old) });
  });
  expect(new Set(answers)).toEqual(
    new Set([
      'again: 200 acknowledged',
      'recorded: 401 sequence-repeated',
      'ten minutes old: 401 clock-skew',
      'at another step: 422 malformed-message',
      'for an attempt that is not: 409 wrong-attempt',
      'for a round that is not: 409 wrong-round',
      'different: 409 equivocation',
      'a round late: 409 late',
    ]),
  );
  expect(answers).toHaveLength(2 * PHASES.length * 7 + PHASES.length);
  const modelsOf = (outcomes: typeof disturbed.models) =>
    outcomes?.map((outcome) => (outcome?.kind === 'committed' ? [outcome.model, outcome.participants] : outcome?.kind));
  expect(modelsOf(disturbed.models)).toEqual(modelsOf(undisturbed.models));
  const { signingKey } = publicKeys(disturbed.joined.find(({ site }) => site === 'geneva')!.identity);
  const evidence = await evidenceOf(disturbed.coordinator);
  expect(evidence).toHaveLength(2 * PHASES.length);
  for (const { site, document } of evidence) {
    expect(verifyEvidence(document, { site, signingKeys: [signingKey] })).toMatchObject({ ok: true, site: 'geneva' });
  }
  expect(await evidenceOf(undisturbed.coordinator)).toEqual([]);
});
