/** A site that is killed at the moment of its reveal: it says the same again, and nothing else for that round ever. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createSiteLog } from '@wardround/client/log/site-log.ts';
import { type KeptSession, keepSession, readKeptSession } from '@wardround/client/state/kept-session.ts';
import { pinChain, pinnedRoster } from '@wardround/client/state/pinned-roster.ts';
import { replaceSiteIdentity } from '@wardround/client/state/site-identity.ts';
import { performSessionStep } from '@wardround/client/training/session/perform-session-step.ts';
import { testPlan } from '@wardround/coordinator/testing/test-coordinator.ts';
import type { Roster } from '@wardround/protocols/enrolment/roster.ts';
import { sessionRoster } from '@wardround/protocols/enrolment/session-roster.ts';
import {
  closeAdvertising,
  closeConsistency,
  closeMasking,
  closeSharing,
  openSession,
  receive,
} from '@wardround/protocols/secure-aggregation/coordinator-party.ts';
import type { SignedMessage } from '@wardround/protocols/secure-aggregation/messages.ts';
import { sessionTerms } from '@wardround/protocols/secure-aggregation/session-terms.ts';
import {
  acceptShares,
  advertise,
  confirmSurvivors,
  type SiteContext,
  shareKeys,
  submitMaskedInput,
} from '@wardround/protocols/secure-aggregation/site-party.ts';
import type { SiteState } from '@wardround/protocols/secure-aggregation/site-state.ts';
import type { SessionOffer } from '@wardround/protocols/session/messages.ts';
import { planHash } from '@wardround/protocols/study/plan.ts';
import { stageLayout } from '@wardround/protocols/study/stage-layout.ts';
import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const base = testPlan();
const plan = { ...base, protection: { ...base.protection, mode: 'secure-aggregation' as const } };
const stage = plan.stages[0]!;
const round = { study: planHash(plan), stage: stage.name, round: 1, model: 'a'.repeat(64) };
const figures = { loss: 1, steps: 1, samples: 1, seconds: 1 };
const names = ['basel', 'geneva', 'zurich'];
const identities = new Map(names.map((site) => [site, generateIdentity()]));
const roster: Roster = {
  format: 'wardround-roster/1',
  coordinator: 'c'.repeat(64),
  epoch: 1,
  sites: names.map((site) => ({
    site,
    ...publicKeys(identities.get(site)!),
    notBeforeMillis: 0,
    notAfterMillis: 8_000_000_000_000_000,
  })),
  removed: [],
  rotations: [],
  previousHash: null,
};

let folder: string;
let party: SiteState;
let document: unknown;

function must<Result extends { readonly ok: boolean }>(result: Result): Extract<Result, { readonly ok: true }> {
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result as Extract<Result, { readonly ok: true }>;
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'reveal-'));
  await replaceSiteIdentity(folder, identities.get('basel')!);
  await pinChain(folder, [{ roster, approvals: [] }]);
  ({ party, document } = untilUnmasking());
  await keepSession(folder, { ...kept(), party });
});
afterEach(() => rm(folder, { recursive: true }));

function kept(): KeptSession {
  const nothing = { hasVector: false, party: null, masked: null };
  return { ...round, figures, ...nothing };
}

function contextOf(site: string): SiteContext {
  const { signingSeed } = identities.get(site)!;
  const floors = { minimumSites: 0, minimumThreshold: 0 };
  return { site, signingSeed, roster: sessionRoster(roster, Date.now()), floors, randomBytes };
}

/** The whole session up to its last step, as Basel has it on its disk. */
function untilUnmasking(): { party: SiteState; document: unknown } {
  const pinned = sessionRoster(roster, Date.now());
  const terms = sessionTerms({ ...round, attempt: 1, layout: stageLayout(plan, stage) }, pinned);
  let coordinator = openSession(terms, pinned);
  const states = new Map<string, SiteState>();
  const say = (step: (site: string, context: SiteContext) => { state: SiteState; message: SignedMessage }) => {
    for (const site of names) {
      const { state, message } = step(site, contextOf(site));
      states.set(site, state);
      coordinator = must(receive(coordinator, message)).state;
    }
  };
  say((_, context) => must(advertise(null, { terms, context })));
  const keys = must(closeAdvertising(coordinator));
  coordinator = keys.state;
  say((site, context) => must(shareKeys(states.get(site)!, { broadcast: keys.answer, context })));
  const shares = must(closeSharing(coordinator));
  coordinator = shares.state;
  say((site, context) => {
    const { state } = must(acceptShares(states.get(site)!, { delivery: shares.answer.get(site)!, context }));
    return must(submitMaskedInput(state, { maskedInput: 'b'.repeat(64), context }));
  });
  const survivors = must(closeMasking(coordinator));
  coordinator = survivors.state;
  say((site, context) => must(confirmSurvivors(states.get(site)!, { announced: survivors.answer, context })));
  const proof = must(closeConsistency(coordinator));
  return { party: states.get('basel')!, document: { step: 'unmask', document: proof.answer } };
}

/** What Basel sends when it is asked for this step. */
async function ask(attempt: number, step: 'unmask' | 'advertise', answer = document): Promise<SessionOffer[]> {
  const sent: SessionOffer[] = [];
  await performSessionStep(
    { work: { ...work, attempt, step }, plan, signal: new AbortController().signal },
    {
      folder,
      site: 'basel',
      sealingKey: 'A'.repeat(43),
      signingSeed: identities.get('basel')!.signingSeed,
      link: {
        sessionDocument: async () => answer as never,
        sendSessionMessage: async (_, offer) => void sent.push(offer),
        upload: async () => undefined,
        coordinatorMillis: Date.now,
      },
      trainer: { run: async () => Promise.reject(new Error('nothing to compute')) },
      log: createSiteLog(new Writable({ write: (_piece, _encoding, done) => done() })),
    },
  );
  return sent;
}

const work = {
  ...round,
  name: 'pilot',
  planBlob: 'd'.repeat(64),
  attempt: 1,
  sites: 3,
  deadlineMillis: 0,
  step: 'unmask' as const,
};

async function killAt(place: 'before-it-is-durable' | 'before-it-is-sent'): Promise<void> {
  const file = path.join(folder, 'child.json');
  const signingSeed = Buffer.from(identities.get('basel')!.signingSeed).toString('base64');
  await writeFile(file, JSON.stringify({ folder, site: 'basel', signingSeed, work, plan, document, place }));
  const script = fileURLToPath(new URL('./testing/reveal-in-child.ts', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, file], { stdio: 'inherit' });
  const [, signal] = await once(child, 'exit');
  expect(signal).toBe('SIGKILL');
}

describe('a site that is killed at its reveal', () => {
  test('sends the very same message again, and refuses every other session of the round', async () => {
    expect((await pinnedRoster(folder)).epoch).toBe(1);
    await killAt('before-it-is-sent');
    const after = await readKeptSession(folder, round);
    expect(after?.party?.phase).toBe('revealed');
    const [again] = await ask(1, 'unmask');
    expect(again?.message).toEqual(
      after?.party !== null && after?.party?.phase === 'revealed' ? after.party.last : null,
    );
    // Not even another list of survivors makes it say anything else.
    const [other] = await ask(1, 'unmask', { step: 'unmask', document: { messages: [] } });
    expect(other).toEqual(again);
    await expect(ask(2, 'advertise')).rejects.toMatchObject({ reason: 'already-revealed' });
    expect((await readKeptSession(folder, round))?.party?.phase).toBe('revealed');
    // Nothing secret is left.
    const { maskSecret, seed, shares } = after?.party as unknown as Record<string, unknown>;
    expect([maskSecret, seed, shares]).toEqual([undefined, undefined, undefined]);
  });

  test('has said nothing when it is killed before its state is durable, and reveals once afterwards', async () => {
    await killAt('before-it-is-durable');
    expect((await readKeptSession(folder, round))?.party?.phase).toBe('consistent');
    const [first] = await ask(1, 'unmask');
    expect(await ask(1, 'unmask')).toEqual([first]);
  });
});
