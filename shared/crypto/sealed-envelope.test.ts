import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { encodeBase64Url } from '../bytes/base64url.ts';
import { sha256Hex } from '../bytes/hash.ts';
import { generateIdentity, publicKeys } from './identity.ts';
import { UnusableKeyError } from './public-key-check.ts';
import {
  open,
  openSegment,
  openSegments,
  readSealedBody,
  SEAL_HEADER_BYTES,
  SealBrokenError,
  seal,
  sealedLength,
  sealWith,
  segmentCount,
  segmentRange,
} from './sealed-envelope.ts';

const SEGMENT = 1 << 20;
const HEADER = 8 + 32 + 24 + 48 + 7;

const identity = generateIdentity();
const recipientSealingKey = publicKeys(identity).sealingKey;
const context = '{"round":1,"study":"s"}';
const sealed = (plaintext: Uint8Array) => seal(plaintext, { recipientSealingKey, context });
const opened = (envelope: Uint8Array) => open(envelope, { identity, context });
/** The bytes 0, 7, 14, ... modulo 251, so that no two segments are alike. */
const pattern = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 7) % 251);

describe('seal() and open()', () => {
  test.each([
    0,
    1,
    31,
    SEGMENT - 1,
    SEGMENT,
    SEGMENT + 1,
    2 * SEGMENT,
    2 * SEGMENT + 17,
  ])('give %i bytes back', (length) => {
    const plaintext = pattern(length);
    const envelope = sealed(plaintext);
    expect(envelope.length).toBe(sealedLength(length));
    expect(Buffer.compare(opened(envelope), plaintext)).toBe(0);
    expect(Buffer.compare(Buffer.concat([...openSegments(envelope, { identity, context })]), plaintext)).toBe(0);
  });

  test('work on views into larger arrays', () => {
    const larger = new Uint8Array(randomBytes(200));
    const envelope = sealed(larger.subarray(3, 103));
    const moved = new Uint8Array(envelope.length + 5);
    moved.set(envelope, 5);
    expect(opened(moved.subarray(5))).toEqual(larger.subarray(3, 103));
  });

  test('never make the same envelope twice', () => {
    const envelope = Buffer.from(sealed(pattern(100)));
    const again = Buffer.from(sealed(pattern(100)));
    for (const [from, to] of [
      [8, 40],
      [40, 64],
      [64, 112],
      [112, 119],
      [119, 235],
    ]) {
      expect(envelope.subarray(from, to).equals(again.subarray(from, to))).toBe(false);
    }
  });

  test('do not show the content', () => {
    expect(Buffer.from(sealed(Buffer.from('patient'.repeat(100)))).includes('patient')).toBe(false);
  });
});

describe('sealWith()', () => {
  const fill = (length: number, first: number) => Uint8Array.from({ length }, (_, index) => first + index);
  const known = {
    identity: { sealingSecret: fill(32, 1) },
    randomness: {
      ephemeralSecret: fill(32, 33),
      boxNonce: fill(24, 65),
      contentKey: fill(32, 97),
      noncePrefix: fill(7, 129),
    },
  };
  const knownKey = publicKeys({ ...known.identity, signingSeed: fill(32, 0) }).sealingKey;
  const knownSeal = (plaintext: Uint8Array) =>
    Buffer.from(sealWith(plaintext, { recipientSealingKey: knownKey, context: 'known', randomness: known.randomness }));

  test('gives a known envelope', () => {
    const envelope = knownSeal(Buffer.from('Wardround'));
    expect(envelope.toString('hex')).toBe(
      '77727365616c2f315869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a768f1a67b4142434445464748494a4b4c4d4e4f505152535455565758f0b6864eb63f5d1e3aca920b7d3be8b6029593577017fd252077358a8f12a19392057d365815f3f5a4e16eb4e2383737818283848586877ebb41c8716d902a399ad068aa259b8da8bebb8a3d7235c157',
    );
    expect(Buffer.from(open(envelope, { identity: known.identity, context: 'known' })).toString()).toBe('Wardround');
  });

  test('gives a known envelope of three segments', () => {
    expect(sha256Hex(knownSeal(pattern(2 * SEGMENT + 5)))).toBe(
      '744b26c8563a6d7b3df4f73b6dac63770ba6620ee0859c566406bb6b869fad66',
    );
  });
});

describe('open() refuses', () => {
  const envelope = sealed(pattern(2 * SEGMENT + 100));
  const segment = (index: number) =>
    envelope.subarray(HEADER + index * (SEGMENT + 16), HEADER + (index + 1) * (SEGMENT + 16));
  const refused = (changed: Uint8Array) => expect(() => opened(changed)).toThrow(SealBrokenError);

  test('another recipient', () => {
    expect(() => open(envelope, { identity: generateIdentity(), context })).toThrow('sealed to another key');
  });

  test('another context', () => {
    expect(() => open(envelope, { identity, context: '{"round":2,"study":"s"}' })).toThrow('for another purpose');
    expect(() => open(envelope, { identity, context: '' })).toThrow(SealBrokenError);
  });

  test('one flipped bit anywhere', () => {
    const positions = [...Array(HEADER + 40).keys(), HEADER + SEGMENT + 3, HEADER + SEGMENT + 20, envelope.length - 1];
    for (const position of positions) {
      const changed = envelope.slice();
      changed[position]! ^= 1 << (position % 8);
      refused(changed);
    }
  });

  test('truncation at any place, also between segments', () => {
    const ends = [
      0,
      1,
      HEADER,
      HEADER + 15,
      HEADER + 16,
      HEADER + SEGMENT,
      HEADER + SEGMENT + 15,
      HEADER + SEGMENT + 16,
    ];
    for (const end of [
      ...ends,
      HEADER + SEGMENT + 17,
      HEADER + SEGMENT + 32,
      envelope.length - 116,
      envelope.length - 1,
    ]) {
      refused(envelope.subarray(0, end));
    }
  });

  test('surplus bytes', () => {
    refused(Buffer.concat([envelope, Uint8Array.of(0)]));
    refused(Buffer.concat([envelope, segment(2)]));
    refused(Buffer.concat([envelope, new Uint8Array(16)]));
  });

  test('reordered, repeated and dropped segments', () => {
    const header = envelope.subarray(0, HEADER);
    refused(Buffer.concat([header, segment(1), segment(0), segment(2)]));
    refused(Buffer.concat([header, segment(0), segment(0), segment(2)]));
    refused(Buffer.concat([header, segment(0), segment(2)]));
  });

  test('segments of another envelope', () => {
    const other = sealed(pattern(2 * SEGMENT + 100));
    refused(Buffer.concat([envelope.subarray(0, HEADER + SEGMENT + 16), other.subarray(HEADER + SEGMENT + 16)]));
    refused(Buffer.concat([other.subarray(0, HEADER), envelope.subarray(HEADER)]));
  });

  test('another version, and bytes that are no envelope', () => {
    const next = envelope.slice();
    next[7] = '2'.charCodeAt(0);
    expect(() => opened(next)).toThrow('version 1');
    expect(() => opened(new Uint8Array(randomBytes(500)))).toThrow('version 1');
  });

  test('an ephemeral key of small order', () => {
    const changed = envelope.slice();
    changed.fill(0, 8, 40);
    expect(() => opened(changed)).toThrow('small order');
  });
});

describe('seal() refuses', () => {
  test('a recipient key of small order', () => {
    for (const first of [0, 1]) {
      const key = encodeBase64Url(Uint8Array.of(first, ...new Uint8Array(31)));
      expect(() => seal(pattern(1), { recipientSealingKey: key, context })).toThrow(UnusableKeyError);
    }
  });

  test('a recipient key that is not one', () => {
    expect(() => seal(pattern(1), { recipientSealingKey: 'AAAA', context })).toThrow('needed 32 bytes, found 3');
  });
});

test('openSegments() gives out nothing of a segment that was altered', () => {
  const envelope = sealed(pattern(2 * SEGMENT));
  envelope[HEADER + SEGMENT + 16]! ^= 1;
  const segments = openSegments(envelope, { identity, context });
  expect(segments.next().value).toHaveLength(SEGMENT);
  expect(() => segments.next()).toThrow(SealBrokenError);
});

describe('openSegment()', () => {
  const plaintext = pattern(2 * SEGMENT + 100);
  const envelope = sealed(plaintext);
  const bodyOf = (bytes: Uint8Array) =>
    readSealedBody(bytes.subarray(0, SEAL_HEADER_BYTES), { identity, context, sealedBytes: bytes.length });
  const openAt = (bytes: Uint8Array, segment: number) => {
    const body = bodyOf(bytes);
    const { position, bytes: length } = segmentRange(body, segment);
    return openSegment(body, { segment, sealed: bytes.subarray(position, position + length) });
  };
  /** As whoever reads ranges does: every segment once, the last one first. */
  const openBackwards = (bytes: Uint8Array) => {
    for (let segment = segmentCount(bodyOf(bytes).plaintextBytes) - 1; segment >= 0; segment -= 1)
      openAt(bytes, segment);
  };
  const segments = [0, 1, 2].map((segment) => {
    const { position, bytes } = segmentRange(bodyOf(envelope), segment);
    return envelope.subarray(position, position + bytes);
  });
  const header = envelope.subarray(0, SEAL_HEADER_BYTES);

  test('opens segments in any order', () => {
    expect(bodyOf(envelope).plaintextBytes).toBe(plaintext.length);
    for (const segment of [2, 0, 1]) {
      const expected = plaintext.subarray(segment * SEGMENT, (segment + 1) * SEGMENT);
      expect(Buffer.compare(openAt(envelope, segment), expected)).toBe(0);
    }
    expect(() => openBackwards(envelope)).not.toThrow();
    expect(openAt(sealed(new Uint8Array()), 0)).toHaveLength(0);
    expect(() => segmentRange(bodyOf(envelope), 3)).toThrow('segment 3 in an envelope of 3');
  });

  test.each([
    ['an envelope cut off between segments', () => Buffer.concat([header, segments[0]!, segments[1]!])],
    ['an envelope cut off within a segment', () => envelope.subarray(0, -1)],
    ['an envelope cut off before its segments', () => header],
    ['an appended segment', () => Buffer.concat([envelope, new Uint8Array(SEGMENT)])],
    ['a repeated last segment', () => Buffer.concat([header, ...segments, segments[2]!])],
    ['swapped segments', () => Buffer.concat([header, segments[1]!, segments[0]!, segments[2]!])],
    ['a segment of another envelope', () => Buffer.concat([header, sealed(plaintext).subarray(SEAL_HEADER_BYTES)])],
  ])('refuses %s', (_, change) => {
    expect(() => openBackwards(change())).toThrow(SealBrokenError);
  });

  test('refuses a segment that was sealed as the last, or not as the last', () => {
    const two = sealed(pattern(2 * SEGMENT));
    const shorter = { ...bodyOf(two), plaintextBytes: SEGMENT };
    const longer = { ...bodyOf(two), plaintextBytes: 3 * SEGMENT };
    const at = (segment: number) => {
      const { position, bytes } = segmentRange(bodyOf(two), segment);
      return { segment, sealed: two.subarray(position, position + bytes) };
    };
    expect(() => openSegment(shorter, at(0))).toThrow(SealBrokenError);
    expect(() => openSegment(longer, at(1))).toThrow(SealBrokenError);
    expect(openSegment(longer, at(0))).toHaveLength(SEGMENT);
    expect(() => openSegment(bodyOf(two), { segment: 1, sealed: at(1).sealed.subarray(1) })).toThrow('found 1048591');
  });
});
