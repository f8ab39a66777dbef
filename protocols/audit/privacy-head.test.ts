import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { describe, expect, test } from 'vitest';
import { isSignedLedgerHead, signLedgerHead } from './egress-head.ts';
import { isSignedPrivacyHead, signPrivacyHead } from './privacy-head.ts';

const site = generateIdentity();
const { signingKey } = publicKeys(site);
const head = { size: 3, hash: sha256Hex('third charge') };

describe('signPrivacyHead()', () => {
  test('is believed under the site’s key, as it was signed', () => {
    const signed = signPrivacyHead(head, site);
    expect(isSignedPrivacyHead(signed, signingKey)).toBe(true);
    expect(isSignedPrivacyHead({ ...signed, size: 2 }, signingKey)).toBe(false);
    expect(isSignedPrivacyHead(signed, publicKeys(generateIdentity()).signingKey)).toBe(false);
  });

  test('cannot pass for the head of the egress ledger, nor that for it', () => {
    const egress = signLedgerHead(head, site);
    expect(isSignedPrivacyHead({ ...egress, format: 'wardround-privacy-head/1' }, signingKey)).toBe(false);
    const privacy = signPrivacyHead(head, site);
    expect(isSignedLedgerHead({ ...privacy, format: 'wardround-egress-head/1' }, signingKey)).toBe(false);
  });
});
