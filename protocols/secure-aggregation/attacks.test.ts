/** What a malicious coordinator, or a lying site, can try, each with the defence that stops it. */
import { encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { generateAgreementKeys } from '@wardround/shared/crypto/key-agreement.ts';
import { describe, expect, test } from 'vitest';
import { CANARY, sumFault } from './canary.ts';
import { awaited, closeUnmasking, leaveOut, receive, said } from './coordinator-party.ts';
import type { Bodies, ConsistencyProof, KeyBroadcast, Kind, ShareDelivery, SignedMessage } from './messages.ts';
import { replay, replayTranscript } from './replay.ts';
import { linkTo, type MessageLink, signSessionMessage } from './signed-message.ts';
import {
  beginPlay,
  createConsortium,
  knownRandomBytes,
  type Play,
  plainSum,
  playAll,
  playPhase,
} from './simulated-session.ts';
import {
  acceptShares,
  advertise,
  confirmSurvivors,
  leave,
  shareKeys,
  submitMaskedInput,
  unmask,
} from './site-party.ts';
import type { SiteMasking, SiteState } from './site-state.ts';
import { transcriptHash, transcriptOf } from './transcript.ts';

const words = 65;
const consortium = createConsortium(5, { words });
const names = [...consortium.contexts.keys()];
const [alice, bob, carol, dave, eve] = names as [string, string, string, string, string];
const context = (site: string) => consortium.contexts.get(site)!;
/** Small numbers and a canary, so that their sum is in range and noise is not. */
const vectors = new Map(
  names.map((site, place) => [
    site,
    Int32Array.from({ length: words }, (_, index) => (index === words - 1 ? CANARY : 1000 * place + index)),
  ]),
);

/** The session after so many phases. */
function after(phases: number, absent: readonly ReadonlySet<string>[] = []): Play {
  let play = beginPlay(consortium, { vectors });
  for (let phase = 0; phase < phases; phase += 1) {
    const result = playPhase(play, { absent: absent[phase] ?? new Set() });
    if (!result.ok) throw new Error(result.reason);
    play = result.play;
  }
  return play;
}

/** A message as its sender could write it if it wished. */
function forge<K extends Kind>(
  original: SignedMessage<K>,
  change: { body?: Partial<Bodies[K]>; by?: string; previous?: MessageLink | null; attempt?: number },
): SignedMessage<K> {
  const { header, body } = original;
  const by = change.by ?? header.site;
  const previous =
    change.previous !== undefined
      ? change.previous
      : header.previous === null
        ? null
        : { hash: header.previous, sequence: header.sequence - 1 };
  const terms = { ...consortium.terms, attempt: change.attempt ?? header.attempt };
  const forged = signSessionMessage(
    header.phase,
    { ...body, ...change.body },
    {
      terms,
      session: header.session,
      site: header.site,
      previous,
      signingSeed: context(by).signingSeed,
    },
  );
  return forged;
}

const begun = after(1);
const broadcast = begun.answer as KeyBroadcast;
const advertised = begun.sites;
const share = (given: KeyBroadcast, site = alice, state: SiteState = advertised.get(site)!) =>
  shareKeys(state, { broadcast: given, context: context(site) });
const reasonOf = (step: { ok: boolean; reason?: string }) => (step.ok ? 'accepted' : step.reason);
const replaceIn = (given: KeyBroadcast, replacement: SignedMessage<'advertise'>): KeyBroadcast => ({
  ...given,
  advertisements: given.advertisements.map((message) =>
    message.header.site === replacement.header.site ? replacement : message,
  ),
});
const advertisementOf = (site: string) => broadcast.advertisements.find(({ header }) => header.site === site)!;

describe('key substitution', () => {
  const impostor = encodeBase64Url(generateAgreementKeys(knownRandomBytes('impostor')).publicKey);

  test.each(['maskKey', 'shareKey'] as const)('of one %s is refused: nobody but the site can sign it', (which) => {
    const bobs = advertisementOf(bob);
    const altered = { ...bobs, body: { ...bobs.body, [which]: impostor } };
    expect(share(replaceIn(broadcast, altered as typeof bobs))).toMatchObject({ reason: 'body-altered', suspect: bob });
    const resigned = forge(bobs, { body: { [which]: impostor }, by: eve });
    expect(share(replaceIn(broadcast, resigned))).toMatchObject({ reason: 'signature-wrong', suspect: bob });
  });

  test("of a site's own key is noticed by that site, even when it is signed", () => {
    const forged = forge(advertisementOf(alice), { body: { maskKey: impostor } });
    expect(reasonOf(share(replaceIn(broadcast, forged)))).toBe('own-message-altered');
  });

  test('by repeating a key or a site is refused', () => {
    const copied = forge(advertisementOf(bob), { body: { maskKey: advertisementOf(carol).body.maskKey } });
    expect(reasonOf(share(replaceIn(broadcast, copied)))).toBe('key-repeated');
    const twice = { ...broadcast, advertisements: [...broadcast.advertisements, advertisementOf(bob)] };
    expect(reasonOf(share(twice))).toBe('site-repeated');
  });

  test('by a point of small order is refused', () => {
    const weak = forge(advertisementOf(bob), { body: { shareKey: encodeBase64Url(new Uint8Array(32)) } });
    expect(share(replaceIn(broadcast, weak))).toMatchObject({ reason: 'key-unusable', suspect: bob });
  });

  test('leaves the refusing site with a signed abort and no secret', () => {
    const bobs = advertisementOf(bob);
    const step = share(replaceIn(broadcast, forge(bobs, { body: { maskKey: impostor }, by: eve })));
    if (step.ok) throw new Error('accepted');
    expect(step.state).toEqual({ phase: 'aborted', terms: consortium.terms, site: alice, reason: 'signature-wrong' });
    expect(step.message!.body).toEqual({ reason: 'signature-wrong', suspect: bob });
    const told = receive(begun.coordinator, step.message!);
    expect(told.ok && told.state.left).toEqual([{ site: alice, reason: 'signature-wrong' }]);
  });
});

describe('Sybil sites', () => {
  test('of a roster epoch that was not approved here are refused before a key is made', () => {
    for (const change of [{ rosterEpoch: 4 }, { roster: sha256Hex('another roster') }]) {
      const terms = { ...consortium.terms, ...change };
      expect(reasonOf(advertise(null, { terms, context: context(alice) }))).toBe('roster-not-pinned');
    }
  });

  test('that are not in the pinned roster are refused, and so are those who speak of another one', () => {
    const larger = createConsortium(6, { words });
    const stranger = advertise(null, { terms: larger.terms, context: larger.contexts.get('site-005')! });
    if (!stranger.ok) throw new Error(stranger.reason);
    const withStranger = { ...broadcast, advertisements: [...broadcast.advertisements, stranger.message] };
    expect(share(withStranger)).toMatchObject({ reason: 'site-not-in-roster', suspect: 'site-005' });
    const other = forge(advertisementOf(bob), { body: { terms: { ...consortium.terms, rosterEpoch: 2 } } });
    expect(share(replaceIn(broadcast, other))).toMatchObject({ reason: 'roster-differs', suspect: bob });
  });
});

describe('threshold and parameter downgrade', () => {
  test.each([
    { threshold: 2 },
    { colluders: 0 },
    { degree: 1 },
    { fewestSurvivors: 2 },
  ])('to %j is refused', (change) => {
    const lowered = { ...broadcast, parameters: { ...broadcast.parameters, ...change } };
    expect(reasonOf(share(lowered))).toBe('parameters-differ');
  });

  test('below the floors of the site is refused by name', () => {
    const state = advertised.get(alice)!;
    const strict = (floors: { minimumSites: number; minimumThreshold: number }) =>
      reasonOf(shareKeys(state, { broadcast, context: { ...context(alice), floors } }));
    expect(strict({ minimumSites: 6, minimumThreshold: 2 })).toBe('floor-minimum-sites');
    expect(strict({ minimumSites: 3, minimumThreshold: 5 })).toBe('floor-threshold');
    expect(strict({ minimumSites: 5, minimumThreshold: 4 })).toBe('accepted');
  });

  test('to two sites is refused', () => {
    const two = { ...broadcast, advertisements: [advertisementOf(alice), advertisementOf(bob)] };
    expect(reasonOf(share(two))).toBe('too-few-sites');
  });
});

describe('model inconsistency', () => {
  test.each([
    ['model', 'model-differs'],
    ['plan', 'plan-differs'],
  ])('of the %s is refused, as every site says what it works on', (which, reason) => {
    const other = forge(advertisementOf(bob), {
      body: { terms: { ...consortium.terms, [which]: sha256Hex('other') } },
    });
    expect(share(replaceIn(broadcast, other))).toMatchObject({ reason, suspect: bob });
  });

  test.each([
    'model',
    'plan',
    'roster',
  ])('of the %s gives noise and a wrong canary where a site had not noticed', (which) => {
    const play = after(2);
    const deceived = play.sites.get(eve)!;
    const sites = new Map(play.sites);
    // Signed messages name run, round and attempt only, so nothing but the masks can differ from here on.
    sites.set(eve, { ...deceived, terms: { ...deceived.terms, [which]: sha256Hex('another') } });
    const played = playAll({ ...play, sites });
    if (!played.ok) throw new Error(played.reason);
    const { sum } = played.play;
    const plain = plainSum(played.play, names);
    expect(sum!.filter((value, index) => value === plain[index])).toHaveLength(0);
    expect(sumFault(sum!, { survivors: 5, largest: 2 ** 29 })).toBe('canary-wrong');
    sum![words - 1] = 5;
    expect(sumFault(sum!, { survivors: 5, largest: 2 ** 29 })).toBe('sum-out-of-range');
    expect(sumFault(plain, { survivors: 5, largest: 2 ** 29 })).toBeNull();
  });
});

describe('survivor-set lie', () => {
  const masked = after(3);
  const announce = (survivors: string[], site = alice, state = masked.sites.get(site)!) =>
    confirmSurvivors(state, { announced: { survivors }, context: context(site) });

  test('that lists a stranger, a site twice, too few or not the site itself is refused', () => {
    expect(reasonOf(announce([...names, 'site-009']))).toBe('list-wrong');
    expect(reasonOf(announce([alice, alice, bob, carol, dave]))).toBe('list-wrong');
    expect(reasonOf(announce([bob, carol, dave, eve]))).toBe('list-wrong');
    expect(reasonOf(announce([alice, bob, carol]))).toBe('too-few-survivors');
  });

  test('that lists a site which never shared keys is refused', () => {
    const smaller = after(3, [new Set(), new Set([eve])]);
    expect(reasonOf(announce(names, alice, smaller.sites.get(alice)!))).toBe('list-wrong');
  });

  test('of two lists to one site: it signs one only', () => {
    const first = announce(names);
    if (!first.ok) throw new Error(first.reason);
    const second = announce([alice, bob, carol, dave], alice, first.state);
    expect(reasonOf(second)).toBe('survivors-changed');
    expect(second.state?.phase).toBe('aborted');
  });

  test('of two lists to two halves: no site reveals anything', () => {
    const lists = [
      [alice, bob, carol, dave],
      [alice, bob, carol, eve],
    ];
    const first = announce(lists[0]!, alice);
    const others = [announce(lists[1]!, bob), announce(lists[1]!, carol)];
    const dave1 = announce(lists[0]!, dave);
    const said = [first, dave1, ...others].map((step) => {
      if (!step.ok) throw new Error(step.reason);
      return step.message;
    });
    if (!first.ok) throw new Error(first.reason);
    const reveal = (messages: SignedMessage<'consistency'>[]) =>
      reasonOf(unmask(first.state, { proof: { messages }, context: context(alice) }));
    expect(reveal(said)).toBe('views-differ');
    expect(reveal(said.slice(0, 2))).toBe('too-few-views');
    expect(reveal([said[0]!, said[0]!, said[0]!, said[0]!])).toBe('list-wrong');
    const forged = forge(said[2]!, { body: { survivors: said[0]!.body.survivors }, by: eve });
    expect(reveal([said[0]!, said[1]!, forged])).toBe('signature-wrong');
  });

  test('for both shares: each site gives exactly one per neighbour, and none of who never shared', () => {
    const play = after(4, [new Set(), new Set(), new Set([eve])]);
    const step = unmask(play.sites.get(alice)!, { proof: play.answer as ConsistencyProof, context: context(alice) });
    if (!step.ok) throw new Error(step.reason);
    const kinds = step.message.body.shares.map(({ of, kind }) => [of, kind]);
    expect(kinds).toEqual([...[alice, bob, carol, dave].map((site) => [site, 'seed']), [eve, 'key']]);
    const early = after(4, [new Set(), new Set([eve])]);
    const other = unmask(early.sites.get(alice)!, { proof: early.answer as ConsistencyProof, context: context(alice) });
    if (!other.ok) throw new Error(other.reason);
    expect(other.message.body.shares.map(({ of }) => of)).not.toContain(eve);
  });
});

describe('replay of unmasking', () => {
  const play = after(4);
  const proof = play.answer as ConsistencyProof;
  const first = unmask(play.sites.get(alice)!, { proof, context: context(alice) });
  if (!first.ok) throw new Error(first.reason);

  test('gets no second share: the state has none left', () => {
    const again = unmask(first.state, { proof, context: context(alice) });
    expect(again).toMatchObject({ ok: false, reason: 'already-revealed', state: first.state, message: null });
    expect(Object.keys(first.state).sort()).toEqual(['last', 'phase', 'site', 'terms']);
  });

  test('cannot be had by stopping the site: what was revealed stays revealed, what was not is given up', () => {
    const stopped = leave(first.state, { reason: 'stopped', context: context(alice) });
    expect(stopped).toMatchObject({ reason: 'out-of-turn', state: first.state, message: null });
    const before = leave(play.sites.get(bob)!, { reason: 'stopped', context: context(bob) });
    expect(before).toMatchObject({ reason: 'stopped', state: { phase: 'aborted' } });
    expect(reasonOf(unmask(before.state!, { proof, context: context(bob) }))).toBe('out-of-turn');
  });

  test('is what the state is stored for: it says again only what it said', () => {
    expect(first.state.last).toBe(first.message);
    expect(JSON.parse(JSON.stringify(first.state))).toEqual(first.state);
  });
});

describe('retry differencing', () => {
  test('is refused: who has revealed for a round joins no other session of it', () => {
    const done = playAll(beginPlay(consortium, { vectors }));
    if (!done.ok) throw new Error(done.reason);
    const stored = done.play.sites.get(alice)!;
    const step = advertise(stored, { terms: { ...consortium.terms, attempt: 2 }, context: context(alice) });
    expect(reasonOf(step)).toBe('already-revealed');
    expect(step.state).toBe(stored);
  });

  test('does not forbid another attempt where nothing was revealed, with fresh keys', () => {
    const stored = after(4).sites;
    const terms = { ...consortium.terms, attempt: 2 };
    const again = playAll(beginPlay({ ...consortium, terms }, { vectors, stored }));
    if (!again.ok) throw new Error(again.reason);
    expect(again.play.sum).toEqual(plainSum(again.play, names));
    const keys = new Set(said(again.play.coordinator, 'advertise').map(({ body }) => body.maskKey));
    for (const { body } of broadcast.advertisements) expect(keys).not.toContain(body.maskKey);
  });

  test('cannot go back to an attempt that was, nor mix the messages of two', () => {
    const stored = advertised.get(alice)!;
    expect(reasonOf(advertise(stored, { terms: consortium.terms, context: context(alice) }))).toBe('attempt-not-new');
    const other = forge(advertisementOf(bob), { attempt: 2 });
    expect(share(replaceIn(broadcast, other))).toMatchObject({ reason: 'wrong-session', suspect: bob });
  });

  test('with a second vector under the same masks is refused', () => {
    const state = after(3).sites.get(alice)!;
    const second = submitMaskedInput(state, { maskedInput: sha256Hex('another vector'), context: context(alice) });
    expect(second).toMatchObject({ ok: false, reason: 'out-of-turn', state });
  });
});

describe('sum tampering', () => {
  const done = playAll(beginPlay(consortium, { vectors }), { 'masked-input': new Set([eve]) });
  if (!done.ok) throw new Error(done.reason);
  const { coordinator, masked, sum } = done.play;
  const transcript = transcriptOf(coordinator);
  const { roster } = consortium;

  test('shows: the replay gives the true sum', () => {
    const replayed = replay(transcript, { roster, maskedInputs: masked });
    if (!replayed.ok) throw new Error(replayed.reason);
    expect(replayed.sum).toEqual(plainSum(done.play, [alice, bob, carol, dave]));
    const read = replayTranscript(transcript, { roster });
    // Each survivor's own mask, and the masks of the drop-out with each of them.
    expect(read.ok && [read.maskedInputs.size, read.instructions.length]).toEqual([4, 8]);
    const published = Int32Array.from(sum!);
    published[3]! += 1;
    expect(replayed.sum).not.toEqual(published);
  });

  test('by altering a masked vector shows: its site has signed its hash', () => {
    const altered = new Map(masked).set(
      bob,
      Int32Array.from(masked.get(bob)!, (value) => value ^ 1),
    );
    expect(replay(transcript, { roster, maskedInputs: altered })).toMatchObject({
      reason: 'masked-input-altered',
      suspect: bob,
    });
  });

  test('by leaving a survivor out of the transcript shows', () => {
    const messages = transcript.messages.filter(
      ({ header }) => header.site !== bob || header.phase === 'advertise' || header.phase === 'share-keys',
    );
    expect(replay({ ...transcript, messages }, { roster, maskedInputs: masked }).ok).toBe(false);
  });

  test('by altering any message shows, and changes the hash that every site was told', () => {
    const hash = transcriptHash(transcript);
    for (const [index, message] of transcript.messages.entries()) {
      const messages = [...transcript.messages];
      const signature = message.signature.startsWith('A')
        ? `B${message.signature.slice(1)}`
        : `A${message.signature.slice(1)}`;
      messages[index] = { ...message, signature };
      expect(replay({ ...transcript, messages }, { roster, maskedInputs: masked }).ok).toBe(false);
      messages[index] = { ...message, header: { ...message.header, bodyHash: sha256Hex('other') } };
      expect(transcriptHash({ ...transcript, messages })).not.toBe(hash);
    }
  });
});

describe('lying sites', () => {
  const shared = after(2);
  const deliveryTo = (site: string) => (shared.answer as Map<string, ShareDelivery>).get(site)!;
  const accept = (delivery: ShareDelivery, site = alice) =>
    acceptShares(shared.sites.get(site)!, { delivery, context: context(site) });
  const withMessage = (replacement: SignedMessage<'share-keys'>): ShareDelivery => ({
    ...deliveryTo(alice),
    messages: deliveryTo(alice).messages.map((message) =>
      message.header.site === replacement.header.site ? replacement : message,
    ),
  });
  const bobs = deliveryTo(alice).messages.find(({ header }) => header.site === bob)!;
  const changedEntry = (to: string, change: object) =>
    bobs.body.shares.map((entry) => (entry.to === to ? { ...entry, ...change } : entry));

  test('who seal something else than they are committed to are named by the receiver', () => {
    const forged = forge(bobs, { body: { shares: changedEntry(alice, { seedShareCommitment: sha256Hex('other') }) } });
    expect(accept(withMessage(forged))).toMatchObject({ reason: 'share-broken', suspect: bob });
  });

  test('who swap the shares of two neighbours are named by the receiver', () => {
    const forCarol = bobs.body.shares.find(({ to }) => to === carol)!;
    const forged = forge(bobs, { body: { shares: changedEntry(alice, { ...forCarol, to: alice }) } });
    expect(accept(withMessage(forged))).toMatchObject({ reason: 'share-broken', suspect: bob });
  });

  test('are not believed about shares that the coordinator made up', () => {
    const unsigned = { ...bobs, body: { ...bobs.body, shares: changedEntry(alice, { sealed: null }) } };
    expect(accept(withMessage(unsigned))).toMatchObject({ reason: 'body-altered', suspect: bob });
  });

  test('who reveal another share than they were given are named, and the sum is found without them', () => {
    const play = after(4, [new Set(), new Set(), new Set([eve])]);
    let { coordinator } = play;
    for (const site of [alice, bob, carol, dave]) {
      const step = unmask(play.sites.get(site)!, { proof: play.answer as ConsistencyProof, context: context(site) });
      if (!step.ok) throw new Error(step.reason);
      const { shares } = step.message.body;
      if (site === alice) {
        const wrong = shares.map((entry) => (entry.of === eve ? { ...entry, share: shares[0]!.share } : entry));
        expect(receive(coordinator, forge(step.message, { body: { shares: wrong } }))).toMatchObject({
          reason: 'share-mismatch',
          suspect: alice,
        });
        const bothKinds = shares.map((entry) => (entry.of === eve ? { ...entry, kind: 'seed' as const } : entry));
        expect(receive(coordinator, forge(step.message, { body: { shares: bothKinds } }))).toMatchObject({
          reason: 'shares-not-as-asked',
        });
      }
      const received = receive(coordinator, step.message);
      if (!received.ok) throw new Error(received.reason);
      coordinator = received.state;
    }
    expect(closeUnmasking(coordinator).ok).toBe(true);
    const without = {
      ...coordinator,
      messages: coordinator.messages.filter(({ header }) => header.phase !== 'unmask' || header.site !== alice),
    };
    expect(closeUnmasking(without)).toMatchObject({ ok: false, reason: 'too-few-shares' });
  });

  test.each([
    ['whose seed is not what it is committed to', [new Set<string>(), new Set<string>(), new Set<string>()]],
    ['whose key is not what it advertised', [new Set<string>(), new Set<string>(), new Set([bob])]],
  ])('%s are named when it is put together', (_, absent) => {
    const play = after(4, absent);
    let { coordinator } = play;
    for (const site of coordinator.survivors!) {
      const step = unmask(play.sites.get(site)!, { proof: play.answer as ConsistencyProof, context: context(site) });
      if (!step.ok) throw new Error(step.reason);
      const received = receive(coordinator, step.message);
      if (!received.ok) throw new Error(received.reason);
      coordinator = received.state;
    }
    // As if bob had committed to other secrets than it shared.
    const session = coordinator.session!;
    const keys = new Map(session.keys).set(bob, { ...session.keys.get(bob)!, maskKey: session.keys.get(eve)!.maskKey });
    const messages = coordinator.messages.map((message) =>
      message.header.site === bob && message.header.phase === 'share-keys'
        ? { ...message, body: { ...message.body, seedCommitment: sha256Hex('other') } }
        : message,
    );
    const altered = { ...coordinator, session: { ...session, keys }, messages: messages as SignedMessage[] };
    expect(closeUnmasking(altered)).toEqual({ ok: false, reason: 'secret-wrong', suspect: bob });
  });

  test('who say two things in one phase are refused, and what they said twice changes nothing', () => {
    const { coordinator } = shared;
    expect(receive(coordinator, bobs)).toEqual({ ok: true, state: coordinator });
    const second = forge(bobs, { body: { seedCommitment: sha256Hex('other') } });
    expect(receive(coordinator, second)).toMatchObject({ reason: 'said-two-things', suspect: bob });
  });

  test('who are left out while a session is open give nothing more to it', () => {
    const without = leaveOut(shared.coordinator, bob, { reason: 'revoked' });
    expect(awaited(shared.coordinator)).toEqual(names);
    expect(awaited(without)).toEqual([alice, carol, dave, eve]);
    const step = acceptShares(shared.sites.get(bob)!, { delivery: deliveryTo(bob), context: context(bob) });
    if (!step.ok) throw new Error(step.reason);
    const sent = submitMaskedInput(step.state, { maskedInput: sha256Hex('vector'), context: context(bob) });
    if (!sent.ok) throw new Error(sent.reason);
    expect(receive(without, sent.message)).toMatchObject({ reason: 'not-awaited', suspect: bob });
    expect(linkTo(sent.message).sequence).toBe(2);
    const state: SiteMasking = step.state;
    expect(state.sharers).toEqual(names);
  });
});
