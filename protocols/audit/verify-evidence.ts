/**
 * Checks that a site contradicted itself: two requests that it signed with different bodies for an address at which a site
 * speaks once. Pure and offline: it needs the site's keys as the roster has them, and nothing of the coordinator's.
 *
 * The signature covers method, path, the body's hash, site, time, nonce, sequence number and the coordinator's fingerprint, so
 * the bodies themselves are not in the evidence: nothing that a site said can be read from it. A coordinator cannot make it
 * up, as every other address, where a site may say different things, is refused; nor an honest site give cause for it, as it
 * keeps what it has signed until it is acknowledged. Evaluations are not among the addresses: sealed anew, the same report
 * has other bytes.
 */
import {
  type RequestClaims,
  SIGNATURE_HEADERS,
  SignatureRefusedError,
  verifyRequest,
} from '@wardround/shared/crypto/signed-request.ts';
import { z } from 'zod';
import { Bytes32, Sha256 } from '../names.ts';
import { PHASES } from '../secure-aggregation/messages.ts';
import type { AuditFault } from './audit-fault.ts';

/** A signed request without its body, as it came. */
export const SignedStatement = z.strictObject({
  /** The site's ed25519 key that signed it. */
  signingKey: Bytes32,
  method: z.literal('POST'),
  path: z.string().max(400),
  headers: z.strictObject({
    [SIGNATURE_HEADERS.site]: z.string().max(40),
    [SIGNATURE_HEADERS.time]: z.string().max(16),
    [SIGNATURE_HEADERS.nonce]: z.string().max(43),
    [SIGNATURE_HEADERS.sequence]: z.string().max(16),
    [SIGNATURE_HEADERS.contentSha256]: z.string().max(64),
    [SIGNATURE_HEADERS.signature]: z.string().max(86),
  }),
});
export type SignedStatement = z.infer<typeof SignedStatement>;

export const EquivocationEvidence = z.strictObject({
  format: z.literal('wardround-equivocation/1'),
  /** Fingerprint of the coordinator that both requests are for. */
  coordinator: Sha256,
  /** In the order in which they came; the first was accepted. */
  statements: z.tuple([SignedStatement, SignedStatement]),
});
export type EquivocationEvidence = z.infer<typeof EquivocationEvidence>;

/** Where a site speaks once: its update of a round, and its message in each step of a session's attempt. */
const SPOKEN_ONCE = new RegExp(
  `^/v1/studies/[0-9a-f]{64}/stages/[a-z0-9-]{1,40}/rounds/[1-9]\\d{0,4}/(?:update|attempts/[1-9]/(?:${PHASES.join('|')}))$`,
);

/** @param path with its query, of which it must have none, as it was signed. */
export function isSpokenOnce(path: string): boolean {
  return SPOKEN_ONCE.test(path);
}

export type EvidenceFinding =
  | {
      readonly ok: true;
      readonly site: string;
      /** At which it spoke twice. */
      readonly path: string;
      /** SHA-256 of what it said first, and of what it said then. */
      readonly bodies: readonly [string, string];
    }
  | { readonly ok: false; readonly fault: AuditFault };

/** @param keys of the site in question, base64url, as a pinned roster has them: more than one when it has changed them. */
export function verifyEvidence(
  document: unknown,
  { site, signingKeys }: { readonly site: string; readonly signingKeys: readonly string[] },
): EvidenceFinding {
  const parsed = EquivocationEvidence.safeParse(document);
  if (!parsed.success) return fault('unreadable', 'The evidence is not two signed requests of one site.');
  const { coordinator, statements } = parsed.data;
  const [first, second] = statements;
  if (first.path !== second.path || !isSpokenOnce(first.path)) {
    return fault(
      'mismatch',
      'The requests are not for one address at which a site speaks once: they may both be right.',
    );
  }
  const claims: RequestClaims[] = [];
  for (const statement of statements) {
    const signed = signingKeys.includes(statement.signingKey) ? claimsOf(statement, coordinator) : null;
    if (signed?.site !== site) {
      return fault('bad-signature', `The evidence has a request that the site ${site} did not sign with its keys.`);
    }
    claims.push(signed);
  }
  const [one, other] = claims.map(({ contentSha256 }) => contentSha256) as [string, string];
  if (one === other) return fault('mismatch', 'Both requests say the same: a site may repeat what it said.');
  return { ok: true, site, path: first.path, bodies: [one, other] };
}

/** @returns null when the signature does not fit. */
function claimsOf(statement: SignedStatement, coordinatorFingerprint: string): RequestClaims | null {
  const { method, path, signingKey, headers } = statement;
  const nowMillis = Number(headers[SIGNATURE_HEADERS.time]);
  try {
    return verifyRequest(headers, {
      method,
      path,
      bodyHash: null,
      signingKey,
      coordinatorFingerprint,
      nowMillis,
      toleranceMillis: 0,
    });
  } catch (error) {
    if (error instanceof SignatureRefusedError) return null;
    throw error;
  }
}

function fault(kind: AuditFault['kind'], sentence: string): EvidenceFinding {
  return { ok: false, fault: { kind, sentence } };
}
