import { encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { SealBrokenError, seal } from '@wardround/shared/crypto/sealed-envelope.ts';
import { describe, expect, test } from 'vitest';
import { EnrolmentRequest } from '../session/messages.ts';
import { enrolmentContext } from '../transfer/envelope-contexts.ts';
import { openInvitationSecret, sealInvitationSecret } from './invitation-secret.ts';

const identity = generateIdentity();
const coordinatorSealingKey = publicKeys(identity).sealingKey;
const keys = publicKeys(generateIdentity());
const applicant = { site: 'charite', signingKey: keys.signingKey };
const secret = new Uint8Array(32).fill(5);

describe('sealInvitationSecret() and openInvitationSecret()', () => {
  const sealedSecret = sealInvitationSecret(secret, { ...applicant, coordinatorSealingKey });

  test('give the secret back', () => {
    expect(openInvitationSecret(sealedSecret, { ...applicant, identity })).toEqual(secret);
  });

  test('fit the enrolment message', () => {
    expect(EnrolmentRequest.parse({ site: 'charite', ...keys, sealedSecret }).sealedSecret).toBe(sealedSecret);
  });

  test.each([
    ['site', { site: 'tum' }],
    ['signing key', { signingKey: publicKeys(generateIdentity()).signingKey }],
    ['coordinator', { identity: generateIdentity() }],
  ])('refuse another %s', (_, change) => {
    expect(() => openInvitationSecret(sealedSecret, { ...applicant, identity, ...change })).toThrow(SealBrokenError);
  });

  test.each(['', 'AAAA', '====', sealedSecret.slice(0, -2)])('refuse %j', (text) => {
    expect(() => openInvitationSecret(text, { ...applicant, identity })).toThrow(SealBrokenError);
  });

  test('refuse a secret of another length', () => {
    const short = seal(new Uint8Array(5), {
      recipientSealingKey: coordinatorSealingKey,
      context: enrolmentContext(applicant),
    });
    expect(() => openInvitationSecret(encodeBase64Url(short), { ...applicant, identity })).toThrow(
      'needed 32 bytes, found 5',
    );
  });
});
