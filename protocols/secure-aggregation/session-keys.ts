/** What a session's names, keys and commitments are made of. Each has its own domain, and each is bound to the session. */
import { decodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { hashOfJson, type Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { deriveKey } from '@wardround/shared/crypto/key-agreement.ts';
import { shareCommitment } from '@wardround/shared/crypto/secret-sharing.ts';
import type { SessionTerms, SignedMessage } from './messages.ts';
import { messageHash } from './signed-message.ts';

/** Names a session after the keys advertised in it: fresh whenever one site's keys are. */
export function sessionIdentifier(advertisements: readonly SignedMessage<'advertise'>[]): Sha256Hex {
  return hashOfJson('secure-aggregation-session/1', advertisements.map((message) => messageHash(message)).sort());
}

/** Names a list of sites, whatever its order. */
export function siteListHash(session: Sha256Hex, sites: readonly string[]): Sha256Hex {
  return hashOfJson('secure-aggregation-sites/1', { session, sites: sites.toSorted() });
}

/**
 * The key of the mask between two sites. It follows from the model, plan and roster that the site itself knows: if a
 * coordinator gave one site another model, that site's masks would not cancel and the sum would be noise (Pasquini,
 * Francati and Ateniese, CCS 2022).
 *
 * @param agreed what the two agreed on with their mask keys.
 */
export function pairMaskKey(
  agreed: Uint8Array,
  options: { readonly terms: SessionTerms; readonly session: Sha256Hex; readonly pair: readonly [string, string] },
): Uint8Array {
  const { terms, session, pair } = options;
  const { model, plan, roster, rosterEpoch, cohort } = terms;
  const bound = { pair: pair.toSorted(), model, plan, roster, rosterEpoch, ...(cohort !== undefined && { cohort }) };
  return deriveKey(agreed, {
    salt: sessionSalt(session),
    info: `FL1/mask\n${canonicalJson(bound)}`,
  });
}

/** The key of a site's own mask. */
export function selfMaskKey(seed: Uint8Array, session: Sha256Hex): Uint8Array {
  return deriveKey(seed, { salt: sessionSalt(session), info: 'FL1/self' });
}

/**
 * The key that seals one site's shares to another: a key for each direction.
 *
 * @param agreed what the two agreed on with their share keys.
 */
export function shareSealingKey(
  agreed: Uint8Array,
  options: { readonly session: Sha256Hex; readonly from: string; readonly to: string },
): Uint8Array {
  const { session, from, to } = options;
  return deriveKey(agreed, {
    salt: sessionSalt(session),
    info: `FL1/share\n${canonicalJson({ from, to })}`,
  });
}

/** Binds the maker of a share to it, as whose share it is, of which secret, and for whom. */
export function commitToShare(
  share: Uint8Array,
  place: { readonly session: Sha256Hex; readonly kind: 'seed' | 'key'; readonly of: string; readonly to: string },
): Sha256Hex {
  return shareCommitment(share, canonicalJson(place));
}

/** Binds a site to the seed of its own mask. */
export function commitToSeed(seed: Uint8Array, place: { readonly session: Sha256Hex; readonly of: string }): Sha256Hex {
  return shareCommitment(seed, canonicalJson({ ...place, kind: 'whole-seed' }));
}

export function decodeKey(text: string): Uint8Array {
  return decodeBase64Url(text, { length: 32 });
}

function sessionSalt(session: Sha256Hex): Uint8Array {
  return Buffer.from(session, 'hex');
}
