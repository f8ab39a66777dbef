/** Finds out who sends a request: an enrolled site or the coordinator's own administrator, each by its signature. */
import type { Identity, PublicKeys } from '@wardround/shared/crypto/identity.ts';
import { type HeaderFields, readRequestClaims, verifyRequest } from '@wardround/shared/crypto/signed-request.ts';
import { RefusalError } from '../refusal-error.ts';
import { administrator, type Registry } from '../registry/registry.ts';
import type { NonceMemory } from '../storage/nonce-memory.ts';
import type { EnrolledSite } from '../storage/site-table.ts';
import { limits } from './limits.ts';

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
  readonly nonces: NonceMemory;
  readonly now: () => number;
}): IdentifyCaller {
  const { own, registry } = parts;
  return async (request) => {
    const { site: name } = readRequestClaims(request.headers);
    const site = name === administrator ? null : await registry.find(name);
    if (name !== administrator && site === null) {
      throw new RefusalError('site-not-enrolled', {
        status: 401,
        message: 'No site of this name is enrolled here. Join with an invitation first.',
      });
    }
    const signingKey = site?.signingKey ?? own.keys.signingKey;
    const contentSha256 = await verifyCaller(request, { ...parts, name, signingKey });
    return { name, site, contentSha256 };
  };
}

/**
 * Checks a request against a known key and remembers its nonce.
 *
 * @returns the hash of the body that was signed for.
 * @throws {SignatureRefusedError | RefusalError}
 */
export async function verifyCaller(
  request: SignedRequest,
  options: {
    readonly own: OwnIdentity;
    readonly nonces: NonceMemory;
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
  const expiresAtMillis = claims.timeMillis + limits.clockToleranceMillis;
  if (!(await options.nonces.remember(options.signingKey, claims.nonce, { nowMillis, expiresAtMillis }))) {
    throw new RefusalError('replayed', {
      status: 401,
      message: 'This very request was received before. Sign every request anew, repeated ones too.',
    });
  }
  return claims.contentSha256;
}
