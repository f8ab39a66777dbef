/**
 * Signed requests and answers, so that who speaks does not depend on TLS, which hospitals' proxies open.
 *
 * - A request's signature covers its method, path with query, body hash, site, time, nonce, sequence number and the
 *   coordinator it is for; with the receiver's memory of sequence numbers (of nonces, from who counts none) it cannot be
 *   used twice.
 * - An answer's signature covers its status, body hash, time and the request's nonce: it fits no other request.
 * - Nothing here is secret; what must not be read is sealed (sealed-envelope.ts).
 *
 * Pure: the caller gives the time, looks up keys and remembers what was used. A large body is covered by its declared SHA-256,
 * which the receiver compares with what it reads.
 */
import { randomBytes } from 'node:crypto';
import { decodeBase64Url, encodeBase64Url } from '../bytes/base64url.ts';
import type { Sha256Hex } from '../bytes/hash.ts';
import { signMessage, verifyMessage } from './ed25519.ts';
import type { Identity } from './identity.ts';

/** Header names, in the lower case in which Node gives them. */
export const SIGNATURE_HEADERS = {
  site: 'wardround-site',
  time: 'wardround-time',
  nonce: 'wardround-nonce',
  sequence: 'wardround-sequence',
  contentSha256: 'wardround-content-sha256',
  signature: 'wardround-signature',
} as const;

/** HeaderFields as `IncomingMessage.headers` or `Object.fromEntries(response.headers)` gives them. */
export type HeaderFields = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Each code is stable on the wire. */
export type SignatureFault =
  | 'signature-missing'
  | 'signature-malformed'
  | 'signature-invalid'
  | 'body-hash-mismatch'
  | 'clock-skew';

/** A request or an answer that is not what its signature says. */
export class SignatureRefusedError extends Error {
  override readonly name = 'SignatureRefusedError';
  readonly code: SignatureFault;

  constructor(code: SignatureFault, message: string) {
    super(message);
    this.code = code;
  }
}

/** What a request's headers claim; believe none of it before `verifyRequest`. */
export interface RequestClaims {
  readonly site: string;
  readonly timeMillis: number;
  readonly nonce: string;
  /** Null from who counts none: the administrator, and a site that enrols. */
  readonly sequence: number | null;
  readonly contentSha256: Sha256Hex;
}

export interface SignRequestOptions {
  readonly identity: Pick<Identity, 'signingSeed'>;
  readonly site: string;
  readonly method: string;
  /** With its query, as it stands in the request line. */
  readonly path: string;
  readonly bodyHash: Sha256Hex;
  /** The fingerprint of the coordinator that the request is for. */
  readonly coordinatorFingerprint: Sha256Hex;
  readonly nowMillis: number;
  /** A number that this key has never used and never will again; null where the receiver remembers nonces. */
  readonly sequence: number | null;
  /** 32 bytes as base64url. Only known-answer tests give it. */
  readonly nonce?: string;
}

/** The headers to send with the request. Keep the nonce: the answer is bound to it. */
export function signRequest(options: SignRequestOptions): Record<string, string> {
  const { identity, site, bodyHash, nowMillis, sequence, nonce = encodeBase64Url(randomBytes(32)) } = options;
  const claims = { site, timeMillis: nowMillis, nonce, sequence, contentSha256: bodyHash };
  const signature = signMessage(requestMessage(claims, options), identity.signingSeed);
  return {
    [SIGNATURE_HEADERS.site]: site,
    [SIGNATURE_HEADERS.time]: String(nowMillis),
    [SIGNATURE_HEADERS.nonce]: nonce,
    ...(sequence !== null && { [SIGNATURE_HEADERS.sequence]: String(sequence) }),
    [SIGNATURE_HEADERS.contentSha256]: bodyHash,
    [SIGNATURE_HEADERS.signature]: encodeBase64Url(signature),
  };
}

/**
 * What the headers claim, so that the receiver can look up the site's key.
 *
 * @throws {SignatureRefusedError} `signature-missing` or `signature-malformed`.
 */
export function readRequestClaims(headers: HeaderFields): RequestClaims {
  return {
    site: header(headers, SIGNATURE_HEADERS.site, SITE),
    timeMillis: Number(header(headers, SIGNATURE_HEADERS.time, TIME)),
    nonce: header(headers, SIGNATURE_HEADERS.nonce, BYTES_32),
    sequence: readSequence(headers),
    contentSha256: header(headers, SIGNATURE_HEADERS.contentSha256, SHA256),
  };
}

/**
 * Checks a request. The caller then refuses a sequence number that was used, or a nonce that it has seen within the tolerance.
 *
 * @returns the claims, now to be believed.
 * @throws {SignatureRefusedError} when anything does not fit.
 */
export function verifyRequest(
  headers: HeaderFields,
  options: {
    readonly method: string;
    readonly path: string;
    /**
     * The hash of the body that arrived; null when the body has not been read yet: the caller then compares the hash of
     * what it reads with the returned `contentSha256`.
     */
    readonly bodyHash: Sha256Hex | null;
    /** The site's ed25519 key, base64url. */
    readonly signingKey: string;
    readonly coordinatorFingerprint: Sha256Hex;
    readonly nowMillis: number;
    readonly toleranceMillis: number;
  },
): RequestClaims {
  const { bodyHash, signingKey, nowMillis, toleranceMillis } = options;
  const claims = readRequestClaims(headers);
  requireSignature(headers, requestMessage(claims, options), signingKey);
  // After the signature, so that the difference of the clocks is told only to those who may ask.
  const ahead = claims.timeMillis - nowMillis;
  if (Math.abs(ahead) > toleranceMillis) {
    throw new SignatureRefusedError(
      'clock-skew',
      `Cannot accept the request: its time must be within ${toleranceMillis / 1000} s of the receiver's, found ` +
        `${Math.abs(ahead) / 1000} s ${ahead > 0 ? 'ahead' : 'behind'}. Set the sender's clock.`,
    );
  }
  requireBodyHash(claims.contentSha256, bodyHash);
  return claims;
}

export interface SignAnswerOptions {
  readonly identity: Pick<Identity, 'signingSeed'>;
  readonly status: number;
  readonly bodyHash: Sha256Hex;
  /** The nonce of the request that is answered. */
  readonly requestNonce: string;
  readonly nowMillis: number;
}

/** The three headers to send with the answer. An answer that is a blob needs none: the blob's name is its hash. */
export function signAnswer(options: SignAnswerOptions): Record<string, string> {
  const { identity, bodyHash, nowMillis } = options;
  const signature = signMessage(answerMessage(options), identity.signingSeed);
  return {
    [SIGNATURE_HEADERS.time]: String(nowMillis),
    [SIGNATURE_HEADERS.contentSha256]: bodyHash,
    [SIGNATURE_HEADERS.signature]: encodeBase64Url(signature),
  };
}

/**
 * Checks an answer against the request's nonce, which makes it fresh without a clock.
 *
 * @returns the coordinator's time when it answered.
 * @throws {SignatureRefusedError} when anything does not fit.
 */
export function verifyAnswer(
  headers: HeaderFields,
  options: {
    readonly status: number;
    readonly bodyHash: Sha256Hex;
    readonly requestNonce: string;
    /** The coordinator's ed25519 key, base64url. */
    readonly signingKey: string;
  },
): { timeMillis: number } {
  const { status, bodyHash, requestNonce, signingKey } = options;
  const timeMillis = Number(header(headers, SIGNATURE_HEADERS.time, TIME));
  const contentSha256 = header(headers, SIGNATURE_HEADERS.contentSha256, SHA256);
  const message = answerMessage({ status, bodyHash: contentSha256, requestNonce, nowMillis: timeMillis });
  requireSignature(headers, message, signingKey);
  requireBodyHash(contentSha256, bodyHash);
  return { timeMillis };
}

const SITE = /^[a-z0-9-]{1,40}$/;
/** Below 2^53. */
const SEQUENCE = /^(?:0|[1-9][0-9]{0,14})$/;
const TIME = /^(?:0|[1-9][0-9]{0,15})$/;
const BYTES_32 = /^[A-Za-z0-9_-]{43}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const SIGNATURE = /^[A-Za-z0-9_-]{86}$/;

/** One line a field; no field can hold a line break, so no two requests have the same lines. */
function requestMessage(
  claims: RequestClaims,
  options: { readonly method: string; readonly path: string; readonly coordinatorFingerprint: Sha256Hex },
): Uint8Array {
  const { site, timeMillis, nonce, sequence, contentSha256 } = claims;
  const { method, path, coordinatorFingerprint } = options;
  const fields = [method, path, contentSha256, site, coordinatorFingerprint, timeMillis, nonce];
  return lines(sequence === null ? ['wardround-request/1', ...fields] : ['wardround-request/2', ...fields, sequence]);
}

function answerMessage(options: Omit<SignAnswerOptions, 'identity'>): Uint8Array {
  const { status, bodyHash, requestNonce, nowMillis } = options;
  return lines(['wardround-answer/1', status, bodyHash, requestNonce, nowMillis]);
}

function lines(fields: readonly (string | number)[]): Uint8Array {
  const texts = fields.map(String);
  if (texts.some((text) => text.includes('\n'))) {
    throw new TypeError('Cannot sign: needed fields without line breaks, found one with a line break');
  }
  return Buffer.from(texts.join('\n'));
}

function readSequence(headers: HeaderFields): number | null {
  if (headers[SIGNATURE_HEADERS.sequence] === undefined) return null;
  return Number(header(headers, SIGNATURE_HEADERS.sequence, SEQUENCE));
}

function header(headers: HeaderFields, name: string, form: RegExp): string {
  const value = headers[name];
  if (value === undefined) {
    throw new SignatureRefusedError('signature-missing', `Cannot check the signature: the header ${name} is missing`);
  }
  if (typeof value !== 'string' || !form.test(value)) {
    throw new SignatureRefusedError(
      'signature-malformed',
      `Cannot check the signature: the header ${name} is malformed`,
    );
  }
  return value;
}

function requireSignature(headers: HeaderFields, message: Uint8Array, signingKey: string): void {
  const text = header(headers, SIGNATURE_HEADERS.signature, SIGNATURE);
  let signature: Uint8Array;
  try {
    signature = decodeBase64Url(text, { length: 64 });
  } catch {
    throw new SignatureRefusedError(
      'signature-malformed',
      `Cannot check the signature: the header ${SIGNATURE_HEADERS.signature} is malformed`,
    );
  }
  if (!verifyMessage(message, { signature, publicKey: decodeBase64Url(signingKey, { length: 32 }) })) {
    throw new SignatureRefusedError('signature-invalid', 'Cannot accept the message: its signature does not fit');
  }
}

function requireBodyHash(declared: Sha256Hex, found: Sha256Hex | null): void {
  if (found !== null && found !== declared) {
    throw new SignatureRefusedError('body-hash-mismatch', 'Cannot accept the message: its body is not the one signed');
  }
}
