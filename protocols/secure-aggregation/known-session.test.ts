import { encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { describe, expect, test } from 'vitest';
import { SiteMessage } from './messages.ts';
import { openShares, sealShares } from './sealed-shares.ts';
import {
  commitToSeed,
  commitToShare,
  pairMaskKey,
  selfMaskKey,
  sessionIdentifier,
  shareSealingKey,
  siteListHash,
} from './session-keys.ts';
import { beginPlay, createConsortium, knownRandomBytes, plainSum, playAll } from './simulated-session.ts';
import { transcriptHash, transcriptOf } from './transcript.ts';

const session = sha256Hex('a session');
const hash = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const { terms } = createConsortium(3, { words: 4 });
const agreed = Uint8Array.from({ length: 32 }, (_, index) => index);

describe('keys of a session', () => {
  test('are known', () => {
    expect(hash(pairMaskKey(agreed, { terms, session, pair: ['b', 'a'] }))).toBe(
      'ee364b26d54ca30628f39b267ede501f6e7eb44fd4f57a3b75aaf38370e4514a',
    );
    expect(hash(selfMaskKey(agreed, session))).toBe('432aae0d3a9caafefb051944cec3d66b1ab856c52aaf01f85ab1519bb40bb06e');
    expect(hash(shareSealingKey(agreed, { session, from: 'a', to: 'b' }))).toBe(
      '166944986adf58df5932d945e3519cc7e1b4cce609dcafdb9843a66a9c6c8373',
    );
    expect(commitToShare(agreed, { session, kind: 'seed', of: 'a', to: 'b' })).toBe(
      '063ef40a5d8e39f61fead917bdd39f1bc99bbf7d275f6cb3ac1ba83214b8ea09',
    );
    expect(commitToSeed(agreed, { session, of: 'a' })).toBe(
      '6746208dd23d7c745baca60de36a6f59658e4cfb0c930732c12e994cf836f900',
    );
    expect(siteListHash(session, ['b', 'a'])).toBe('3c783514f41056db156f811205bfe8565468f4a5ef6b15cbd7bb82cabecf501c');
  });

  test('are the same for both sites of a pair, and others for another session, model, plan or roster', () => {
    const key = hash(pairMaskKey(agreed, { terms, session, pair: ['a', 'b'] }));
    expect(hash(pairMaskKey(agreed, { terms, session, pair: ['b', 'a'] }))).toBe(key);
    const others = [
      pairMaskKey(agreed, { terms, session: sha256Hex('another'), pair: ['a', 'b'] }),
      ...['model', 'plan', 'roster'].map((which) =>
        pairMaskKey(agreed, { terms: { ...terms, [which]: sha256Hex('other') }, session, pair: ['a', 'b'] }),
      ),
    ].map(hash);
    expect(new Set([key, ...others]).size).toBe(5);
  });

  test('seal shares in one direction only', () => {
    const there = shareSealingKey(agreed, { session, from: 'a', to: 'b' });
    const back = shareSealingKey(agreed, { session, from: 'b', to: 'a' });
    const pair = { seedShare: new Uint8Array(33).fill(1), keyShare: new Uint8Array(33).fill(2) };
    const sealed = sealShares(pair, { key: there, randomBytes: knownRandomBytes('nonce') });
    expect(sha256Hex(sealed)).toBe('9a4eddb255b8e674aa9624670bea0fbe3b3b11c03e2e60c982abe46eb0c9b9f7');
    expect(openShares(sealed, there)).toEqual(pair);
    expect(openShares(sealed, back)).toBeNull();
    expect(openShares(encodeBase64Url(new Uint8Array(93)), there)).toBeNull();
  });
});

describe('a recorded session', () => {
  test('of four sites with one drop-out has known messages, masked vectors and sum', () => {
    const consortium = createConsortium(4, { words: 4 });
    const names = [...consortium.contexts.keys()];
    const vectors = new Map(names.map((site, place) => [site, Int32Array.of(place, -place, 2 ** 31 - 1, 1)]));
    const played = playAll(beginPlay(consortium, { vectors }), { 'masked-input': new Set([names[2]!]) });
    if (!played.ok) throw new Error(played.reason);
    const { coordinator, masked, sum } = played.play;
    const transcript = transcriptOf(coordinator);
    expect(transcript.messages).toHaveLength(4 + 4 + 3 + 3 + 3);
    for (const message of transcript.messages) expect(SiteMessage.parse(message)).toEqual(message);
    expect(sessionIdentifier(transcript.messages.filter(({ header }) => header.phase === 'advertise') as never)).toBe(
      coordinator.session!.session,
    );
    expect(coordinator.session!.session).toBe('2f9e7e3ef530540ca5d8f58ecf448cc13ca45eb6d7f2c52ed4affc255aae71a2');
    expect(sha256Hex(Buffer.concat([...masked.values()].map((vector) => littleEndianBytes(vector))))).toBe(
      'fccde8cf848537d3ca33e079205d4db76b6f2bd981e4efcbaa13ed334ba7ee1c',
    );
    expect(transcriptHash(transcript)).toBe('d02499a33e6ab61ded5a3f44f43a9aa91aac1aac2cf708eaa5e4c8cb89fc398f');
    expect([...sum!]).toEqual([4, -4, 2 ** 31 - 3, 3]);
    expect(sum).toEqual(plainSum(played.play, coordinator.survivors!));
  });
});
