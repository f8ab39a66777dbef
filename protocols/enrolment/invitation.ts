/**
 * The invitation: one line that the coordinator's administrator hands to a site's administrator, over any channel the two
 * trust. It says where the coordinator is, pins its keys by their fingerprint and carries a secret that can be used once.
 *
 *   wardround1.BASE64URL( JSON payload | 4-byte checksum )
 *
 * The checksum protects nobody; it tells a token that was copied badly from one that the coordinator refuses. Whoever
 * holds the token can ask to be enrolled in the site's place until it is used or expires; the coordinator keeps only the
 * secret's hash.
 */
import { randomBytes } from 'node:crypto';
import { decodeBase64Url, encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { type Sha256Hex, sha256, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { z } from 'zod';
import { Bytes32, Sha256, Slug, TimeMillis } from '../names.ts';

export interface Invitation {
  /** Where the site reaches the coordinator. */
  readonly url: string;
  /** The coordinator's identity (shared/crypto/identity.ts). */
  readonly fingerprint: Sha256Hex;
  /** 32 bytes. Secret. */
  readonly secret: Uint8Array;
  /** The name the site will have. */
  readonly site: string;
  readonly expiresMillis: number;
}

/** How long an invitation can be used. */
export const INVITATION_LIFETIME_MILLIS = 24 * 3_600_000;

export type InvitationFault = 'not-an-invitation' | 'invitation-version' | 'invitation-mistyped' | 'invitation-expired';

/** The text is not an invitation that can be used. The text never appears in the message. */
export class InvitationError extends Error {
  override readonly name = 'InvitationError';
  readonly code: InvitationFault;

  constructor(code: InvitationFault, message: string) {
    super(`Cannot use the invitation: ${message}`);
    this.code = code;
  }
}

const Payload = z.strictObject({
  url: z
    .string()
    .max(300)
    .refine(isCoordinatorUrl, 'must be an http or https address without name, password or fragment'),
  fingerprint: Sha256,
  secret: Bytes32,
  site: Slug,
  expiresMillis: TimeMillis,
});

const CHECKSUM_BYTES = 4;
const LONGEST_TOKEN = 2000;

/** A new invitation with a fresh secret. The coordinator stores `secretHash` and the expiry and forgets the token. */
export function createInvitation(options: {
  readonly url: string;
  readonly fingerprint: Sha256Hex;
  readonly site: string;
  readonly nowMillis: number;
}): { token: string; secretHash: Sha256Hex; expiresMillis: number } {
  const { url, fingerprint, site, nowMillis } = options;
  const secret = new Uint8Array(randomBytes(32));
  const expiresMillis = nowMillis + INVITATION_LIFETIME_MILLIS;
  const token = encodeInvitation({ url, fingerprint, secret, site, expiresMillis });
  return { token, secretHash: invitationSecretHash(secret), expiresMillis };
}

/** What the coordinator stores of an invitation's secret, and looks it up by. The secret has 256 random bits, so no salt is needed. */
export function invitationSecretHash(secret: Uint8Array): Sha256Hex {
  return sha256Hex(secret);
}

/** @throws {RangeError} when a member is not fit for an invitation. */
export function encodeInvitation(invitation: Invitation): string {
  const payload = Payload.safeParse({ ...invitation, secret: encodeBase64Url(invitation.secret) });
  if (!payload.success) {
    const problems = payload.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ');
    throw new RangeError(`Cannot write the invitation: ${problems}`);
  }
  const bytes = Buffer.from(canonicalJson(payload.data));
  return `wardround1.${encodeBase64Url(Buffer.concat([bytes, checksum(bytes)]))}`;
}

/**
 * Reads a token; blanks and line breaks, which mail programs add, are ignored.
 *
 * @throws {InvitationError} with the reason in `code`.
 */
export function decodeInvitation(token: string, options: { readonly nowMillis?: number } = {}): Invitation {
  const { nowMillis = Date.now() } = options;
  const [, version, text] =
    token
      .slice(0, LONGEST_TOKEN + 1)
      .replace(/\s/g, '')
      .match(/^wardround([0-9]{1,4})\.(.*)$/) ?? [];
  if (version === undefined || text === undefined || token.length > LONGEST_TOKEN) {
    throw new InvitationError(
      'not-an-invitation',
      'needed one line that begins with "wardround1.", found something else. Copy the line that "wardround-coordinator invite" printed.',
    );
  }
  if (version !== '1') {
    throw new InvitationError(
      'invitation-version',
      `needed version 1, found version ${version}. Install the release that the coordinator uses.`,
    );
  }
  const payload = readPayload(text);
  if (payload.expiresMillis <= nowMillis) {
    throw new InvitationError(
      'invitation-expired',
      `it was good until ${new Date(payload.expiresMillis).toISOString()}. Ask the coordinator for a new one, and look at this machine's clock.`,
    );
  }
  return { ...payload, secret: decodeBase64Url(payload.secret, { length: 32 }) };
}

function readPayload(text: string): z.infer<typeof Payload> {
  const mistyped = new InvitationError(
    'invitation-mistyped',
    'it was copied badly or cut off. Copy the whole line again.',
  );
  let bytes: Uint8Array;
  try {
    bytes = decodeBase64Url(text);
  } catch {
    throw mistyped;
  }
  const json = bytes.subarray(0, -CHECKSUM_BYTES);
  if (!Buffer.from(checksum(json)).equals(bytes.subarray(-CHECKSUM_BYTES))) throw mistyped;
  try {
    return Payload.parse(JSON.parse(Buffer.from(json).toString()));
  } catch {
    throw new InvitationError('not-an-invitation', 'its content is not one. Ask the coordinator for a new one.');
  }
}

function checksum(bytes: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([Buffer.from('wardround/invitation/1\n'), bytes])).subarray(0, CHECKSUM_BYTES);
}

function isCoordinatorUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '' && hash === '';
}
