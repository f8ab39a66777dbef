/**
 * What a site keeps of a session between its messages: plain JSON values. All of it but `last`, `terms` and the lists is
 * secret; write it where only the site's process can read it, and write over it as soon as the next state is stored.
 */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { AbortReason } from './abort-reasons.ts';
import type { SessionTerms, SignedMessage } from './messages.ts';
import type { SessionParameters } from './parameters.ts';
import type { MessageLink } from './signed-message.ts';

export type SiteState =
  | SiteAdvertised
  | SiteSharing
  | SiteMasking
  | SiteMasked
  | SiteConsistent
  | SiteRevealed
  | SiteAborted;

interface Begun {
  readonly terms: SessionTerms;
  readonly site: string;
  /** What the site said last. Send it again, as it is, when it may have been lost. */
  readonly last: SignedMessage;
}

/** The site has made its keys. */
export interface SiteAdvertised extends Begun {
  readonly phase: 'advertised';
  /** X25519, base64url, as all keys below. */
  readonly maskSecret: string;
  readonly shareSecret: string;
}

interface InSession extends Begun {
  readonly session: Sha256Hex;
  readonly parameters: SessionParameters;
  readonly sites: readonly string[];
  /** With whom this site shares. */
  readonly neighbours: readonly string[];
}

/** The site has shared its secrets with its neighbours. */
export interface SiteSharing extends InSession {
  readonly phase: 'sharing';
  readonly keys: Readonly<Record<string, { maskKey: string; shareKey: string; link: MessageLink }>>;
  readonly maskSecret: string;
  readonly shareSecret: string;
  /** Of the site's own mask. */
  readonly seed: string;
  /** The shares that the site holds of its own secrets, on the complete graph. */
  readonly ownShares: HeldShares | null;
}

/** The shares that a site holds of one neighbour's secrets, base64url. */
export interface HeldShares {
  readonly seed: string;
  readonly key: string;
}

interface Shared extends InSession {
  /** Everybody whose shares arrived. */
  readonly sharers: readonly string[];
  /** The list's name, as signed. */
  readonly sharersHash: Sha256Hex;
  readonly shares: Readonly<Record<string, HeldShares>>;
}

/** The site knows which masks to add. Nothing of the masked vector may leave before the next state is stored. */
export interface SiteMasking extends Shared {
  readonly phase: 'masking';
  /** Of the neighbours that shared. */
  readonly maskKeys: Readonly<Record<string, string>>;
  readonly maskSecret: string;
  readonly seed: string;
}

/** The masked vector is fixed by its hash and may be sent. No other vector can be sent in this session. */
export interface SiteMasked extends Shared {
  readonly phase: 'masked';
}

/** The site has signed who shared and who survived. */
export interface SiteConsistent extends Shared {
  readonly phase: 'consistent';
  readonly survivors: readonly string[];
  readonly survivorsHash: Sha256Hex;
}

/** The site has revealed its shares for this round. It keeps none and takes part in no other session of the round. */
export interface SiteRevealed extends Begun {
  readonly phase: 'revealed';
}

export interface SiteAborted {
  readonly phase: 'aborted';
  readonly terms: SessionTerms;
  readonly site: string;
  readonly reason: AbortReason;
}
