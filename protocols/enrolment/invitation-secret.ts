/**
 * The invitation's secret on its way back: sealed to the coordinator and bound to the keys that ask to be enrolled, so
 * that a proxy that opens TLS can neither read it nor put its own keys in their place.
 */
import { decodeBase64Url, encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import type { Identity, PublicKeys } from '@wardround/shared/crypto/identity.ts';
import { open, SealBrokenError, seal } from '@wardround/shared/crypto/sealed-envelope.ts';
import { enrolmentContext } from '../transfer/envelope-contexts.ts';

interface Applicant extends Pick<PublicKeys, 'signingKey'> {
  readonly site: string;
}

/** The `sealedSecret` of an EnrolmentRequest. */
export function sealInvitationSecret(
  secret: Uint8Array,
  options: Applicant & { readonly coordinatorSealingKey: string },
): string {
  const { site, signingKey, coordinatorSealingKey } = options;
  const context = enrolmentContext({ site, signingKey });
  return encodeBase64Url(seal(secret, { recipientSealingKey: coordinatorSealingKey, context }));
}

/**
 * The secret of an EnrolmentRequest's `sealedSecret`.
 *
 * @throws {SealBrokenError} when it is not a secret sealed to this coordinator for this site and key.
 */
export function openInvitationSecret(
  sealedSecret: string,
  options: Applicant & { readonly identity: Pick<Identity, 'sealingSecret'> },
): Uint8Array {
  const { site, signingKey, identity } = options;
  let sealed: Uint8Array;
  try {
    sealed = decodeBase64Url(sealedSecret);
  } catch {
    throw new SealBrokenError('Cannot open the sealed secret: it is not base64url');
  }
  const secret = open(sealed, { identity, context: enrolmentContext({ site, signingKey }) });
  if (secret.length !== 32) {
    throw new SealBrokenError(`Cannot use the sealed secret: needed 32 bytes, found ${secret.length}`);
  }
  return secret;
}
