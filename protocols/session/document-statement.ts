/**
 * What the coordinator signs with each document of a session: that this is the one of this address for this site. An
 * answer's own signature covers the request's nonce and no address, so that it proves nothing to others; a coordinator that
 * has two documents for one address signs both. It speaks once there: documents follow from a step's messages, which are
 * closed when the next step opens.
 *
 * Signed is the hash of the document's canonical JSON: another order of fields is no other document.
 */
import { decodeBase64Url, encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { hashOfJson } from '@wardround/shared/bytes/hash.ts';
import { signMessage, verifyMessage } from '@wardround/shared/crypto/ed25519.ts';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import { z } from 'zod';
import { Sha256 } from '../names.ts';
import { PHASES } from '../secure-aggregation/messages.ts';
import type { SessionDocument } from './messages.ts';

/** Header of the answer: base64url of 64 bytes. Sites of releases before this one do not look at it. */
export const DOCUMENT_SIGNATURE_HEADER = 'wardround-document-signature';

const ADDRESS = new RegExp(
  `^/v1/studies/[0-9a-f]{64}/stages/[a-z0-9-]{1,40}/rounds/[1-9]\\d{0,4}/attempts/[1-9]/(?:${PHASES.slice(1).join('|')})$`,
);
const SIGNATURE = /^[A-Za-z0-9_-]{86}$/;

export const DocumentStatement = z.strictObject({
  /** The address that was asked, with study, stage, round, attempt and step. */
  path: z.string().max(400).regex(ADDRESS),
  document: Sha256,
  signature: z.string().regex(SIGNATURE),
});
export type DocumentStatement = z.infer<typeof DocumentStatement>;

/** @returns the header's value. */
export function signDocument(
  { site, path, document }: { readonly site: string; readonly path: string; readonly document: SessionDocument },
  { signingSeed }: Pick<Identity, 'signingSeed'>,
): string {
  return encodeBase64Url(signMessage(statementOf({ site, path, hash: documentHash(document) }), signingSeed));
}

/** @returns null when the signature does not fit, or there is none. */
export function readDocumentStatement(
  signature: unknown,
  { site, path, document }: { readonly site: string; readonly path: string; readonly document: SessionDocument },
  signingKey: string,
): DocumentStatement | null {
  const statement = DocumentStatement.safeParse({ path, document: documentHash(document), signature });
  return statement.success && isSignedDocument(statement.data, { site, signingKey }) ? statement.data : null;
}

/** @param signingKey the coordinator's ed25519 key, base64url. */
export function isSignedDocument(
  { path, document: hash, signature }: DocumentStatement,
  { site, signingKey }: { readonly site: string; readonly signingKey: string },
): boolean {
  const publicKey = decodeBase64Url(signingKey, { length: 32 });
  try {
    const bytes = decodeBase64Url(signature, { length: 64 });
    return verifyMessage(statementOf({ site, path, hash }), { signature: bytes, publicKey });
  } catch {
    return false;
  }
}

function documentHash(document: SessionDocument): string {
  return hashOfJson('session-document/1', document);
}

function statementOf({ site, path, hash }: { readonly site: string; readonly path: string; readonly hash: string }) {
  return Buffer.from(['wardround-session-document/1', path, site, hash].join('\n'));
}
