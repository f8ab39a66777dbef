/** The two things that are signed about a roster: the approval of a whole epoch, and a site's change of its keys. */
import { decodeBase64Url, encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { signMessage, verifyMessage } from '@wardround/shared/crypto/ed25519.ts';
import type { Identity, PublicKeys } from '@wardround/shared/crypto/identity.ts';
import type { KeyRotation, Roster, RosterApproval } from './roster.ts';
import { rosterHash } from './roster.ts';

type Signer = Pick<Identity, 'signingSeed'>;

/** @param by the site that approves, or ADMINISTRATOR. */
export function approveRoster(
  roster: Roster,
  { by, identity }: { readonly by: string; readonly identity: Signer },
): RosterApproval {
  return { by, signature: encodeBase64Url(signMessage(approvalMessage(roster, by), identity.signingSeed)) };
}

export function isApprovedWith(roster: Roster, approval: RosterApproval, signingKey: string): boolean {
  const message = approvalMessage(roster, approval.by);
  const signature = decodeBase64Url(approval.signature, { length: 64 });
  return verifyMessage(message, { signature, publicKey: decodeBase64Url(signingKey, { length: 32 }) });
}

/** The site's wish for the keys of `next`, made with both identities at hand. */
export function rotateKeys(options: {
  readonly coordinator: Sha256Hex;
  readonly site: string;
  readonly old: Signer & { readonly signingKey: string };
  readonly next: Signer & PublicKeys;
}): KeyRotation {
  const { coordinator, site, old, next } = options;
  const { signingKey, sealingKey } = next;
  const keys = { site, oldSigningKey: old.signingKey, signingKey, sealingKey };
  const message = rotationMessage(keys, coordinator);
  return {
    ...keys,
    signature: encodeBase64Url(signMessage(message, old.signingSeed)),
    proof: encodeBase64Url(signMessage(message, next.signingSeed)),
  };
}

/** Whether both keys have signed. The caller checks that the old one is the site's. */
export function isRotationSigned(rotation: KeyRotation, coordinator: Sha256Hex): boolean {
  const message = rotationMessage(rotation, coordinator);
  const signed = (signature: string, signingKey: string) =>
    verifyMessage(message, {
      signature: decodeBase64Url(signature, { length: 64 }),
      publicKey: decodeBase64Url(signingKey, { length: 32 }),
    });
  return signed(rotation.signature, rotation.oldSigningKey) && signed(rotation.proof, rotation.signingKey);
}

function approvalMessage(roster: Roster, by: string): Uint8Array {
  return Buffer.from(`wardround-roster-approval/1\n${by}\n${rosterHash(roster)}`);
}

function rotationMessage(keys: Omit<KeyRotation, 'signature' | 'proof'>, coordinator: Sha256Hex): Uint8Array {
  const { site, oldSigningKey, signingKey, sealingKey } = keys;
  return Buffer.from(['wardround-key-rotation/1', coordinator, site, oldSigningKey, signingKey, sealingKey].join('\n'));
}
