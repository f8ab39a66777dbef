/** The last record of a site's privacy ledger, signed by the site: numbers of charges and a hash, nothing of the patients. */
import { decodeBase64Url, encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { signMessage, verifyMessage } from '@wardround/shared/crypto/ed25519.ts';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import { z } from 'zod';
import { LedgerHead } from './egress-head.ts';

const FORMAT = 'wardround-privacy-head/1';

export const SignedPrivacyHead = LedgerHead.extend({
  format: z.literal(FORMAT),
  /** ed25519, base64url. */
  signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
});
export type SignedPrivacyHead = z.infer<typeof SignedPrivacyHead>;

export function signPrivacyHead(head: LedgerHead, { signingSeed }: Pick<Identity, 'signingSeed'>): SignedPrivacyHead {
  const signature = encodeBase64Url(signMessage(headMessage(head), signingSeed));
  return { format: FORMAT, size: head.size, hash: head.hash, signature };
}

/** @param signingKey the site's ed25519 key, base64url. */
export function isSignedPrivacyHead(head: SignedPrivacyHead, signingKey: string): boolean {
  const publicKey = decodeBase64Url(signingKey, { length: 32 });
  return verifyMessage(headMessage(head), { signature: decodeBase64Url(head.signature), publicKey });
}

function headMessage({ size, hash }: LedgerHead): Uint8Array {
  return Buffer.from(`${FORMAT}\n${size}\n${hash}`);
}
