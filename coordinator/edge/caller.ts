/** Finds out who sends a request: an enrolled site or the coordinator's own administrator, each by its signature. */
import type { Roster } from '@wardround/protocols/enrolment/roster.ts';
import type { Identity, PublicKeys } from '@wardround/shared/crypto/identity.ts';
import {
  type HeaderFields,
  readRequestClaims,
  SignatureRefusedError,
  verifyRequest,
} from '@wardround/shared/crypto/signed-request.ts';
import { RefusalError } from '../refusal-error.ts';
import { administrator, type Registry } from '../registry/registry.ts';
import type { RosterKeeper } from '../registry/roster-keeper.ts';
import type { NonceMemory } from '../storage/nonce-memory.ts';
import type { SequenceWindows } from '../storage/sequence-windows.ts';
import type { EnrolledSite } from '../storage/site-table.ts';
import { limits } from './limits.ts';
import { useSequence } from './use-sequence.ts';

/** This coordinator's own names and keys. */
export interface OwnIdentity {
  readonly identity: Identity;
  readonly keys: PublicKeys;
  readonly fingerprint: string;
}

export interface Caller {
  /** A site's name, or `administrator`. */
  readonly name: string;
  /** Null for the administrator. */
  readonly site: EnrolledSite | null;
  /** The body that was signed for. */
  readonly contentSha256: string;
  /** The key that signed. */
  readonly signingKey: string;
}

export interface SignedRequest {
  readonly method: string;
  /** With its query, as it stands in the request line. */
  readonly path: string;
  readonly headers: HeaderFields;
}

export type IdentifyCaller = (request: SignedRequest) => Promise<Caller>;

export function createIdentifyCaller(parts: {
  readonly own: OwnIdentity;
  readonly registry: Registry;
  readonly roster: Pick<RosterKeeper, 'newest'>;
  readonly nonces: NonceMemory;
  readonly sequences: Pick<SequenceWindows, 'use' | 'least'>;
  readonly now: () => number;
}): IdentifyCaller {
  const { own, registry, roster, now } = parts;
  return async (request) => {
    const { site: name } = readRequestClaims(request.headers);
    const site = name === administrator ? null : await registry.find(name);
    if (name !== administrator && site === null) {
      throw new RefusalError('site-not-enrolled', {
        status: 401,
        message: 'No site of this name is enrolled here. Join with an invitation first.',
      });
    }
    if (site?.status === 'revoked') {
      throw new RefusalError('site-revoked', {
        status: 403,
        message: 'This site was revoked. Ask the coordinator’s administrator why.',
      });
    }
    const keys = site === null ? [own.keys.signingKey] : keysOf(site, roster.newest(), now());
    const { contentSha256, signingKey } = await verifyWithAny(request, keys, {
      ...parts,
      sequences: site === null ? null : parts.sequences,
      name,
    });
    if (site === null || signingKey === site.signingKey) return { name, site, contentSha256, signingKey };
    // A site's new keys stand in the roster before it uses them; the first use of the newest is the change.
    const newest = roster.newest()?.sites.findLast((member) => member.site === name);
    if (newest?.signingKey === signingKey) await registry.changeKeys(newest);
    return { name, site: (await registry.find(name)) ?? site, contentSha256, signingKey };
  };
}

/** The site's keys that are good now: while it changes them, both the old and the new. */
function keysOf({ site, status, signingKey }: EnrolledSite, roster: Roster | null, nowMillis: number): string[] {
  if (status === 'pending') return [signingKey];
  const keys = (roster?.sites ?? []).filter((member) => member.site === site && nowMillis < member.notAfterMillis);
  if (keys.length > 0) return keys.map((member) => member.signingKey).reverse();
  throw new RefusalError('keys-expired', {
    status: 403,
    message:
      'The site’s keys have expired. Let the coordinator’s administrator revoke it, and join again under another name.',
  });
}

type VerifyOptions = Parameters<typeof verifyCaller>[1];

async function verifyWithAny(
  request: SignedRequest,
  keys: readonly string[],
  options: Omit<VerifyOptions, 'signingKey'>,
): Promise<{ contentSha256: string; signingKey: string }> {
  for (const [index, signingKey] of keys.entries()) {
    try {
      return { contentSha256: await verifyCaller(request, { ...options, signingKey }), signingKey };
    } catch (error) {
      const isOtherKey = error instanceof SignatureRefusedError && error.code === 'signature-invalid';
      if (!isOtherKey || index === keys.length - 1) throw error;
    }
  }
  throw new RangeError('Cannot check a request: needed at least one key');
}

/**
 * Checks a request against a known key, and that it was not used before: by its sequence number, or from who counts none by
 * its nonce, which is remembered for as long as the request's time is accepted.
 *
 * @returns the hash of the body that was signed for.
 * @throws {SignatureRefusedError | RefusalError}
 */
export async function verifyCaller(
  request: SignedRequest,
  options: {
    readonly own: OwnIdentity;
    readonly nonces: NonceMemory;
    /** Null for the administrator, and for a site that is not enrolled yet. */
    readonly sequences: Pick<SequenceWindows, 'use' | 'least'> | null;
    readonly now: () => number;
    readonly name: string;
    readonly signingKey: string;
  },
): Promise<string> {
  const nowMillis = options.now();
  const claims = verifyRequest(request.headers, {
    method: request.method,
    path: request.path,
    bodyHash: null,
    signingKey: options.signingKey,
    coordinatorFingerprint: options.own.fingerprint,
    nowMillis,
    toleranceMillis: limits.clockToleranceMillis,
  });
  if (options.sequences !== null) {
    await useSequence(options.sequences, { signer: options.signingKey, sequence: claims.sequence });
    return claims.contentSha256;
  }
  const expiresAtMillis = claims.timeMillis + limits.clockToleranceMillis;
  if (!(await options.nonces.remember(options.signingKey, claims.nonce, { nowMillis, expiresAtMillis }))) {
    throw new RefusalError('replayed', {
      status: 401,
      message: 'This very request was received before. Sign every request anew, repeated ones too.',
    });
  }
  return claims.contentSha256;
}
