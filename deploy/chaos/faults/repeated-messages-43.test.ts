/**
 * Fault 43: messages of a session that come twice, early, late, of an attempt that is over, or replayed byte for byte, and
 * requests with an old signature. A repeat is acknowledged alike; all else is refused by name; the state stays as it was.
 */
import { CoordinatorRefusedError } from '@wardround/client/link/errors.ts';
import type { SessionStepReference, SiteLink } from '@wardround/client/link/site-link.ts';
import { PHASES, type SignedMessage } from '@wardround/protocols/secure-aggregation/messages.ts';
import { sessionParameters } from '@wardround/protocols/secure-aggregation/parameters.ts';
import type { SessionOffer } from '@wardround/protocols/session/messages.ts';
import { SIGNATURE_HEADERS } from '@wardround/shared/crypto/signed-request.ts';
import { expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { resign } from '../consortium/resign.ts';
import type { Tampering } from '../consortium/run-site.ts';
import type { PassingRequest } from '../link/chaos-proxy.ts';
import { modelsOf } from '../oracles/promises.ts';
import { faultFreeModels } from './fault-free-models.ts';
import { outcomesOf, siteNames, startAll, throughFault } from './through-fault.ts';

const SITES = 4;
const everybody = siteNames(SITES);
const [repeater = ''] = everybody;
const silent = everybody.slice(sessionParameters(SITES).threshold - 1);
const plan = chaosPlan({ name: 'repeats', rounds: 2, quorum: 3 });
const unknown = 'd'.repeat(64);
const untilEnd = AbortSignal.timeout(170_000);

/** How the coordinator answers: `taken`, or by which status and code it refuses. */
async function answerTo(sending: Promise<void>): Promise<string> {
  try {
    await sending;
    return 'taken';
  } catch (error) {
    if (error instanceof CoordinatorRefusedError) return `${error.status} ${error.code}`;
    throw error;
  }
}

test('fault 43: what comes twice is acknowledged alike, and early, late, replayed and old messages are refused', {
  timeout: 180_000,
}, async () => {
  const unharmed = await faultFreeModels(plan, { sites: SITES });
  const sent: { readonly reference: SessionStepReference; readonly offer: SessionOffer }[] = [];
  const answers = { repeated: new Set<string>(), early: new Set<string>(), late: new Set<string>() };
  const recorded: (PassingRequest & { readonly body: Buffer })[] = [];
  const replayed = new Set<string>();

  /** Says everything else that it can think of after each message. */
  const repeat = async (
    link: SiteLink,
    { reference, offer, signingSeed }: (typeof sent)[number] & { readonly signingSeed: Uint8Array },
  ): Promise<void> => {
    const say = (at: SessionStepReference, what: SessionOffer) => answerTo(link.sendSessionMessage(at, what, untilEnd));
    answers.repeated.add(await say(reference, offer));
    // A reveal that is no answer to what was asked would break promise P4 by itself.
    if (reference.step === 'advertise' || reference.step === 'share-keys') {
      const { header } = offer.message as SignedMessage<'consistency'>;
      const first = { ...offer.message, header: { ...header, phase: 'consistency' } } as SignedMessage<'consistency'>;
      const message = resign(first, { body: { sharers: unknown, survivors: unknown }, signingSeed });
      const early = { ...reference, step: 'consistency' } as const;
      answers.early.add(await say(early, { ...offer, message: message as SessionOffer['message'] }));
    }
    for (const before of sent) {
      const { round, attempt } = before.reference;
      if (round === reference.round && attempt === reference.attempt) continue;
      answers.late.add(await say(before.reference, before.offer));
    }
  };

  const state = await throughFault(
    {
      sites: SITES,
      onRequest: (request) => {
        const isSession = /\/attempts\/\d\/[\w-]+$/.test(request.path) && request.method === 'POST';
        if (isSession) recorded.push(request);
      },
    },
    {
      plan,
      // The first attempt ends for want of sites, so that there is a message of an attempt that is over.
      isAway: ({ site, round, attempt, step }) =>
        round === 1 && attempt === 1 && step === 'masked-input' && silent.includes(site),
      async make(consortium) {
        consortium.proxy.setFate(({ method, path, headers }) => {
          const site = headers.get(SIGNATURE_HEADERS.site) ?? '';
          const isFirst = method === 'POST' && path.endsWith('/rounds/1/attempts/1/masked-input');
          return isFirst && silent.includes(site) ? 'lose-request' : 'pass';
        });
        const { signingSeed } = consortium.sites[0]!.joined.identity;
        const tampering: Tampering = {
          link: (link) => ({
            ...link,
            async sendSessionMessage(reference, offer, signal) {
              await link.sendSessionMessage(reference, offer, signal);
              await repeat(link, { reference, offer, signingSeed });
              sent.push({ reference, offer });
            },
          }),
        };
        startAll(consortium, { [repeater]: { tampering } });
      },
      async look(consortium, before) {
        const { joined } = consortium.sites[0]!;
        const old = await joined.request('GET', '/v1/work', { nowMillis: consortium.now() - 10 * 60_000 });
        expect([old.status, old.body.code]).toEqual([401, 'clock-skew']);
        // What was said in each step of both rounds, byte for byte, signatures and all.
        const inEachStep = new Map(recorded.map((request) => [request.path, request]));
        for (const { method, path, headers, body } of inEachStep.values()) {
          const kept = [...headers].filter(([name]) => !['host', 'connection', 'content-length'].includes(name));
          const url = consortium.proxy.url + path;
          const answer = await fetch(url, { method, headers: Object.fromEntries(kept), body: new Uint8Array(body) });
          const { code } = (await answer.json()) as { code?: string };
          replayed.add(`${answer.status} ${code}`);
        }
        expect(await consortium.state(before.study)).toEqual(before);
      },
    },
  );
  expect(state.phase).toEqual({ kind: 'finished' });
  expect(outcomesOf(state)).toEqual([everybody, everybody]);
  expect(modelsOf(state)).toEqual(unharmed);
  const [first] = state.stages[0]!.rounds;
  expect(first?.session).toMatchObject({ attempt: 2, aborts: [{ attempt: 1, step: 'masked-input' }], conflicts: [] });
  // A repeat of the last message of a round may come when the round is over.
  expect([...answers.repeated].filter((answer) => answer !== '409 late')).toEqual(['taken']);
  expect([...answers.early]).toEqual(['409 out-of-turn']);
  expect([...answers.late]).toEqual(['409 late']);
  expect(recorded.length).toBeGreaterThan(2 * SITES * PHASES.length);
  expect([...replayed]).toEqual(['401 sequence-repeated']);
});
