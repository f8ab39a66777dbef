/**
 * The sealed envelope: bytes that only one recipient can open, in one place only.
 *
 * - Whoever carries or stores an envelope learns its length and nothing else, and can neither change nor shorten it.
 * - Whoever opens it learns nothing about the sender: an envelope is not signed. The request that brings it is.
 * - The recipient can open envelopes of the past: there is no forward secrecy against a stolen recipient key.
 *
 * A fresh X25519 key and tweetnacl's box wrap a random content key; AES-256-GCM seals the body in segments of 1 MiB with
 * the nonces of STREAM (Hoang, Reyhanitabar, Rogaway and Vizár 2015): prefix | segment number | last-segment flag, so that
 * segments cannot be reordered, repeated, dropped or cut off. `context` is authenticated with every segment and says what
 * the bytes are for; the same envelope offered elsewhere does not open.
 *
 *   magic 8 | ephemeral key 32 | box nonce 24 | boxed content key 48 | nonce prefix 7 | segments, each with a 16-byte tag
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import nacl from 'tweetnacl';
import { decodeBase64Url } from '../bytes/base64url.ts';
import { createByteReader } from '../bytes/byte-reader.ts';
import type { Identity } from './identity.ts';
import { requireUsableSealingKey, UnusableKeyError } from './public-key-check.ts';

/** The last byte is the version. */
const MAGIC = Buffer.from('wrseal/1');
/** How much of the message each segment holds, but for the last. */
export const SEGMENT_BYTES = 1 << 20;
/** What each segment has in addition. */
export const SEGMENT_TAG_BYTES = 16;
const NONCE_PREFIX_BYTES = 7;
/** What stands before the segments. */
export const SEAL_HEADER_BYTES = MAGIC.length + 32 + 24 + (32 + nacl.box.overheadLength) + NONCE_PREFIX_BYTES;

/** The envelope cannot be opened: it was altered, cut short, or meant for another recipient or another purpose. */
export class SealBrokenError extends Error {
  override readonly name = 'SealBrokenError';
}

/** What makes two envelopes of the same bytes differ. */
export interface SealRandomness {
  /** Private half of the X25519 key used for this envelope alone. */
  readonly ephemeralSecret: Uint8Array;
  readonly boxNonce: Uint8Array;
  readonly contentKey: Uint8Array;
  readonly noncePrefix: Uint8Array;
}

export interface SealOptions {
  /** The recipient's X25519 key, base64url. */
  readonly recipientSealingKey: string;
  /** What the bytes are for. Not secret, not sent; both sides must give the same text. */
  readonly context: string;
}

export interface OpenOptions {
  readonly identity: Pick<Identity, 'sealingSecret'>;
  readonly context: string;
}

/**
 * Seals the bytes to one recipient.
 *
 * @throws {UnusableKeyError} when the recipient's key is a point of small order.
 */
export function seal(plaintext: Uint8Array, options: SealOptions): Uint8Array {
  return sealWhole(plaintext, openSealer(plaintext.length, options));
}

/** Seals bytes that come one segment after the other. */
export interface Sealer {
  /** What the envelope begins with. */
  readonly header: Uint8Array;
  /**
   * The next segment's body and tag.
   *
   * @param plaintext `SEGMENT_BYTES` long, the last one what is left.
   * @throws {RangeError} when it has another length.
   */
  seal(plaintext: Uint8Array): readonly [body: Uint8Array, tag: Uint8Array];
}

/**
 * What `seal` does for bytes that are never in memory as a whole.
 *
 * @param length of all the bytes.
 * @throws {UnusableKeyError} when the recipient's key is a point of small order.
 */
export function openSealer(length: number, options: SealOptions): Sealer {
  const randomness = {
    ephemeralSecret: nacl.box.keyPair().secretKey,
    boxNonce: nacl.randomBytes(nacl.box.nonceLength),
    contentKey: nacl.randomBytes(32),
    noncePrefix: randomBytes(NONCE_PREFIX_BYTES),
  };
  const sealer = sealerWith(length, { ...options, randomness });
  randomness.ephemeralSecret.fill(0);
  randomness.contentKey.fill(0);
  return sealer;
}

/** `seal` with given randomness, for known-answer tests only: using the same randomness twice gives the content away. */
export function sealWith(
  plaintext: Uint8Array,
  options: SealOptions & { readonly randomness: SealRandomness },
): Uint8Array {
  return sealWhole(plaintext, sealerWith(plaintext.length, options));
}

function sealWhole(plaintext: Uint8Array, sealer: Sealer): Uint8Array {
  const sealed = new Uint8Array(sealedLength(plaintext.length));
  sealed.set(sealer.header);
  let position = sealer.header.length;
  for (let segment = 0; segment < segmentCount(plaintext.length); segment += 1) {
    const first = segment * SEGMENT_BYTES;
    for (const piece of sealer.seal(plaintext.subarray(first, first + SEGMENT_BYTES))) {
      sealed.set(piece, position);
      position += piece.length;
    }
  }
  return sealed;
}

/** Its own copy of the content key is erased with the last segment. */
function sealerWith(length: number, options: SealOptions & { readonly randomness: SealRandomness }): Sealer {
  const { recipientSealingKey, context, randomness } = options;
  const { boxNonce, noncePrefix } = randomness;
  const contentKey = randomness.contentKey.slice();
  const recipientKey = decodeBase64Url(recipientSealingKey, { length: 32 });
  requireUsableSealingKey(recipientKey);
  const boxedKey = nacl.box(contentKey, boxNonce, recipientKey, randomness.ephemeralSecret);
  const ephemeralKey = nacl.box.keyPair.fromSecretKey(randomness.ephemeralSecret).publicKey;
  const header = Buffer.concat([MAGIC, ephemeralKey, boxNonce, boxedKey, noncePrefix]);
  const associatedData = associate(header, recipientKey, context);
  const segments = segmentCount(length);
  let segment = 0;
  return {
    header,
    seal(plaintext) {
      const needed = Math.min(SEGMENT_BYTES, length - segment * SEGMENT_BYTES);
      if (segment === segments || plaintext.length !== needed) {
        const place = segment === segments ? 'no segment any more' : `a segment of ${needed} bytes`;
        throw new RangeError(`Cannot seal: needed ${place}, found one of ${plaintext.length} bytes`);
      }
      const nonce = segmentNonce(noncePrefix, segment, segment === segments - 1);
      segment += 1;
      const cipher = createCipheriv('aes-256-gcm', contentKey, nonce).setAAD(associatedData);
      const body = cipher.update(plaintext);
      cipher.final();
      if (segment === segments) contentKey.fill(0);
      return [body, cipher.getAuthTag()];
    },
  };
}

/** How long an envelope around so many bytes is. */
export function sealedLength(plaintextLength: number): number {
  return SEAL_HEADER_BYTES + plaintextLength + segmentCount(plaintextLength) * SEGMENT_TAG_BYTES;
}

/**
 * Opens an envelope.
 *
 * @throws {SealBrokenError} when it cannot be opened whole.
 */
export function open(sealed: Uint8Array, options: OpenOptions): Uint8Array {
  const body = bodyOf(sealed, options);
  const plaintext = new Uint8Array(body.plaintextBytes);
  let position = 0;
  for (const segment of openAll(sealed, body)) {
    plaintext.set(segment, position);
    position += segment.length;
  }
  return plaintext;
}

/**
 * Opens an envelope segment by segment (1 MiB each, the last one shorter). Each segment is genuine when it is given out,
 * but whether the envelope is whole is known only at the end: do not act on a part.
 *
 * @throws {SealBrokenError} at the first segment that cannot be opened.
 */
export function* openSegments(sealed: Uint8Array, options: OpenOptions): Generator<Uint8Array, void, undefined> {
  yield* openAll(sealed, bodyOf(sealed, options));
}

function bodyOf(sealed: Uint8Array, options: OpenOptions): SealedBody {
  return readSealedBody(sealed.subarray(0, SEAL_HEADER_BYTES), { ...options, sealedBytes: sealed.length });
}

function* openAll(sealed: Uint8Array, body: SealedBody): Generator<Uint8Array, void, undefined> {
  for (let segment = 0; segment < segmentCount(body.plaintextBytes); segment += 1) {
    const { position, bytes } = segmentRange(body, segment);
    yield openSegment(body, { segment, sealed: sealed.subarray(position, position + bytes) });
  }
  body.contentKey.fill(0);
}

/**
 * What opens the segments of one envelope, in any order and in any thread: plain data, and secret. The envelope is whole
 * when every one of its segments was opened: the length decides which is the last, and that is authenticated.
 */
export interface SealedBody {
  readonly contentKey: Uint8Array;
  readonly noncePrefix: Uint8Array;
  readonly associatedData: Uint8Array;
  /** Of all segments together. */
  readonly plaintextBytes: number;
}

/**
 * Reads an envelope's header.
 *
 * @param header its first `SEAL_HEADER_BYTES`.
 * @param options `sealedBytes`: the length of the whole envelope.
 * @throws {SealBrokenError} when it is none, or was sealed to another key.
 */
export function readSealedBody(
  header: Uint8Array,
  options: OpenOptions & { readonly sealedBytes: number },
): SealedBody {
  const { sealedBytes, context } = options;
  const { sealingSecret } = options.identity;
  if (sealedBytes < SEAL_HEADER_BYTES + SEGMENT_TAG_BYTES || header.length !== SEAL_HEADER_BYTES) {
    throw new SealBrokenError(
      `Cannot open the envelope: needed at least ${SEAL_HEADER_BYTES + SEGMENT_TAG_BYTES} bytes, found ${sealedBytes}`,
    );
  }
  const fields = createByteReader(header);
  if (!MAGIC.equals(fields.take(MAGIC.length, 'magic'))) {
    throw new SealBrokenError('Cannot open the envelope: it does not begin as a sealed envelope of version 1');
  }
  const ephemeralKey = fields.take(32, 'ephemeral key');
  const boxNonce = fields.take(nacl.box.nonceLength, 'box nonce');
  const boxedKey = fields.take(32 + nacl.box.overheadLength, 'boxed content key');
  const noncePrefix = fields.take(NONCE_PREFIX_BYTES, 'nonce prefix').slice();
  try {
    requireUsableSealingKey(ephemeralKey);
  } catch (error) {
    if (!(error instanceof UnusableKeyError)) throw error;
    throw new SealBrokenError('Cannot open the envelope: its ephemeral key is a point of small order');
  }
  const contentKey = nacl.box.open(boxedKey, boxNonce, ephemeralKey, sealingSecret);
  if (contentKey === null) {
    throw new SealBrokenError('Cannot open the envelope: it was sealed to another key, or its header was altered');
  }
  const recipientKey = nacl.box.keyPair.fromSecretKey(sealingSecret).publicKey;
  const associatedData = associate(header, recipientKey, context);
  return { contentKey, noncePrefix, associatedData, plaintextBytes: openedLength(sealedBytes - SEAL_HEADER_BYTES) };
}

/**
 * Where in the envelope a segment stands, with its tag.
 *
 * @throws {RangeError} when the envelope has no such segment.
 */
export function segmentRange(
  { plaintextBytes }: Pick<SealedBody, 'plaintextBytes'>,
  segment: number,
): { readonly position: number; readonly bytes: number } {
  const count = segmentCount(plaintextBytes);
  if (!Number.isInteger(segment) || segment < 0 || segment >= count) {
    throw new RangeError(`Cannot find segment ${segment} in an envelope of ${count}`);
  }
  const position = SEAL_HEADER_BYTES + segment * (SEGMENT_BYTES + SEGMENT_TAG_BYTES);
  return { position, bytes: Math.min(SEGMENT_BYTES, plaintextBytes - segment * SEGMENT_BYTES) + SEGMENT_TAG_BYTES };
}

/**
 * Opens one segment by itself.
 *
 * @param options `sealed`: the bytes at `segmentRange`.
 * @throws {SealBrokenError} when they are not what was sealed as this segment of this envelope.
 */
export function openSegment(
  body: SealedBody,
  { segment, sealed }: { readonly segment: number; readonly sealed: Uint8Array },
): Uint8Array {
  const { contentKey, noncePrefix, associatedData, plaintextBytes } = body;
  const { bytes } = segmentRange(body, segment);
  if (sealed.length !== bytes) {
    throw new SealBrokenError(
      `Cannot open the envelope: segment ${segment} needs ${bytes} bytes, found ${sealed.length}`,
    );
  }
  const nonce = segmentNonce(noncePrefix, segment, segment === segmentCount(plaintextBytes) - 1);
  const decipher = createDecipheriv('aes-256-gcm', contentKey, nonce, { authTagLength: SEGMENT_TAG_BYTES })
    .setAAD(associatedData)
    .setAuthTag(sealed.subarray(bytes - SEGMENT_TAG_BYTES));
  const opened = decipher.update(sealed.subarray(0, bytes - SEGMENT_TAG_BYTES));
  try {
    decipher.final();
  } catch {
    opened.fill(0);
    throw new SealBrokenError('Cannot open the envelope: it was altered, cut short, or sealed for another purpose');
  }
  return opened;
}

/**
 * How many bytes segments of that length hold together.
 *
 * @throws {SealBrokenError} when no message has segments of that length. Only an empty message has an empty segment;
 * elsewhere it would be a second spelling of the same bytes.
 */
function openedLength(segmentsLength: number): number {
  const full = Math.floor(segmentsLength / (SEGMENT_BYTES + SEGMENT_TAG_BYTES));
  const rest = segmentsLength % (SEGMENT_BYTES + SEGMENT_TAG_BYTES);
  if (rest === 0) return full * SEGMENT_BYTES;
  if (rest < SEGMENT_TAG_BYTES || (rest === SEGMENT_TAG_BYTES && full > 0)) {
    throw new SealBrokenError('Cannot open the envelope: it was cut short or has surplus bytes');
  }
  return full * SEGMENT_BYTES + rest - SEGMENT_TAG_BYTES;
}

/** A message has at least one segment, so that an empty one is authenticated too. */
export function segmentCount(plaintextLength: number): number {
  return Math.max(1, Math.ceil(plaintextLength / SEGMENT_BYTES));
}

function segmentNonce(prefix: Uint8Array, segment: number, last: boolean): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.set(prefix);
  nonce.writeUInt32BE(segment, NONCE_PREFIX_BYTES);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/** Ties every segment to its header, its recipient and its purpose. All fields but the last have a fixed length. */
function associate(header: Uint8Array, recipientKey: Uint8Array, context: string): Uint8Array {
  return createHash('sha256')
    .update('wardround/sealed-envelope/1\n')
    .update(header)
    .update(recipientKey)
    .update(context)
    .digest();
}
