/** The last record of a site's egress ledger, signed by the site: without it nobody could tell that the ledger's end was cut off. */
import { decodeBase64Url, encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { signMessage, verifyMessage } from '@wardround/shared/crypto/ed25519.ts';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import { z } from 'zod';
import { Sha256 } from '../names.ts';

export const LedgerHead = z.strictObject({
  /** How many records. */
  size: z.int().min(0),
  /** The last record's. */
  hash: Sha256,
});
export type LedgerHead = z.infer<typeof LedgerHead>;

export const SignedLedgerHead = LedgerHead.extend({
  format: z.literal('wardround-egress-head/1'),
  /** ed25519, base64url. */
  signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
});
export type SignedLedgerHead = z.infer<typeof SignedLedgerHead>;

export function signLedgerHead(head: LedgerHead, { signingSeed }: Pick<Identity, 'signingSeed'>): SignedLedgerHead {
  const signature = encodeBase64Url(signMessage(headMessage(head), signingSeed));
  return { format: 'wardround-egress-head/1', size: head.size, hash: head.hash, signature };
}

/** @param signingKey the site's ed25519 key, base64url. */
export function isSignedLedgerHead(head: SignedLedgerHead, signingKey: string): boolean {
  const publicKey = decodeBase64Url(signingKey, { length: 32 });
  return verifyMessage(headMessage(head), { signature: decodeBase64Url(head.signature), publicKey });
}

function headMessage({ size, hash }: { readonly size: number; readonly hash: Sha256Hex }): Uint8Array {
  return Buffer.from(`wardround-egress-head/1\n${size}\n${hash}`);
}
