/** Writes and checks the signed messages of a session. */
import { decodeBase64Url, encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { hashOfJson, type Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { signMessage, verifyMessage } from '@wardround/shared/crypto/ed25519.ts';
import type { Bodies, Header, Kind, SessionTerms, SignedMessage } from './messages.ts';

/** A site's roster as it was approved there, pinned by its hash. Site -> ed25519 key, base64url. */
export interface PinnedRoster {
  readonly epoch: number;
  readonly hash: Sha256Hex;
  readonly signingKeys: ReadonlyMap<string, string>;
}

/** A message's place in its sender's chain. */
export interface MessageLink {
  readonly hash: Sha256Hex;
  readonly sequence: number;
}

/** Why a received message does not count. */
export type MessageFault =
  | 'site-not-in-roster'
  | 'wrong-phase'
  | 'wrong-session'
  | 'body-altered'
  | 'signature-wrong'
  | 'order-wrong';

/** Writes a message that follows the sender's message before it. */
export function signSessionMessage<K extends Kind>(
  phase: K,
  body: Bodies[K],
  options: {
    readonly terms: SessionTerms;
    readonly session: Sha256Hex | null;
    readonly site: string;
    /** Null for the sender's first message. */
    readonly previous: MessageLink | null;
    readonly signingSeed: Uint8Array;
  },
): SignedMessage<K> {
  const { terms, session, site, previous, signingSeed } = options;
  const header: Header<K> = {
    format: 'wardround-secure-aggregation/1',
    phase,
    run: terms.run,
    round: terms.round,
    attempt: terms.attempt,
    session,
    site,
    sequence: previous === null ? 0 : previous.sequence + 1,
    previous: previous === null ? null : previous.hash,
    bodyHash: bodyHash(phase, body),
  };
  return { header, body, signature: encodeBase64Url(signMessage(signedBytes(header), signingSeed)) };
}

/** Names a message: what is signed, so that one message has one name however it was signed. */
export function messageHash(message: SignedMessage): Sha256Hex {
  return hashOfJson('secure-aggregation-message/1', message.header);
}

export function linkTo(message: SignedMessage): MessageLink {
  return { hash: messageHash(message), sequence: message.header.sequence };
}

/**
 * Whether a message is of that phase and session and signed by the site that it names, with the key the roster has for it.
 * Null when it is.
 */
export function messageFault(
  message: SignedMessage,
  options: {
    readonly phase: Kind;
    readonly terms: Pick<SessionTerms, 'run' | 'round' | 'attempt'>;
    readonly session: Sha256Hex | null;
    readonly roster: PinnedRoster;
    /** The sender's message before, where it is known. */
    readonly previous?: MessageLink | null;
  },
): MessageFault | null {
  const { phase, terms, session, roster, previous } = options;
  const { header, body, signature } = message;
  const signingKey = roster.signingKeys.get(header.site);
  if (signingKey === undefined) return 'site-not-in-roster';
  if (header.phase !== phase) return 'wrong-phase';
  if (
    header.run !== terms.run ||
    header.round !== terms.round ||
    header.attempt !== terms.attempt ||
    header.session !== session
  ) {
    return 'wrong-session';
  }
  if (previous !== undefined) {
    const expected = previous === null ? null : previous.hash;
    const sequence = previous === null ? 0 : previous.sequence + 1;
    if (header.previous !== expected || header.sequence !== sequence) return 'order-wrong';
  }
  if (header.bodyHash !== bodyHash(header.phase, body)) return 'body-altered';
  const publicKey = decodeBase64Url(signingKey, { length: 32 });
  return verifyMessage(signedBytes(header), { signature: decodeBase64Url(signature), publicKey })
    ? null
    : 'signature-wrong';
}

function bodyHash(phase: Kind, body: Bodies[Kind]): Sha256Hex {
  return hashOfJson(`secure-aggregation-${phase}/1`, body);
}

function signedBytes(header: Header): Uint8Array {
  return Buffer.from(`wardround/secure-aggregation-signature/1\n${canonicalJson(header)}`);
}
