/** Puts secrets together from revealed shares and says which masks to take out of the sum of the survivors' vectors. */
import { decodeBase64Url, encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { agreementPublicKey, createAgreement } from '@wardround/shared/crypto/key-agreement.ts';
import { combineShares } from '@wardround/shared/crypto/secret-sharing.ts';
import type { AdvertisedSession } from './advertised-keys.ts';
import { type MaskInstruction, pairSign } from './mask-instructions.ts';
import type { SessionTerms, SignedMessage } from './messages.ts';
import { commitToSeed, decodeKey, pairMaskKey, selfMaskKey } from './session-keys.ts';

export type UnmaskingFault = {
  readonly ok: false;
  /** `secret-wrong`: the suspect had shared and committed to something else than its secret. */
  readonly reason: 'too-few-shares' | 'secret-wrong';
  /** Whose secret it is. */
  readonly suspect: string;
};

/**
 * The masks that are left in the sum: each survivor's own, and those between a survivor and a neighbour that dropped out
 * after sharing. The shares must have been checked against their commitments.
 */
export function unmaskingInstructions(options: {
  readonly terms: SessionTerms;
  readonly session: AdvertisedSession;
  readonly sharers: readonly string[];
  readonly survivors: readonly string[];
  readonly shareMessages: readonly SignedMessage<'share-keys'>[];
  readonly unmaskMessages: readonly SignedMessage<'unmask'>[];
}): { readonly ok: true; readonly instructions: MaskInstruction[] } | UnmaskingFault {
  const { terms, session, sharers, survivors, shareMessages, unmaskMessages } = options;
  const { threshold } = session.parameters;
  const revealed = new Map<string, Uint8Array[]>(sharers.map((of) => [of, []]));
  for (const { body } of unmaskMessages) {
    for (const { of, share } of body.shares) {
      const shares = revealed.get(of)!;
      if (shares.length < threshold) shares.push(decodeBase64Url(share));
    }
  }
  const alive = new Set(survivors);
  const seedCommitments = new Map(shareMessages.map(({ header, body }) => [header.site, body.seedCommitment]));
  const instructions: MaskInstruction[] = [];
  for (const of of sharers) {
    const near = alive.has(of) ? [] : session.graph.get(of)!.filter((other) => alive.has(other));
    // A drop-out none of whose neighbours survived left no mask behind.
    if (!alive.has(of) && near.length === 0) continue;
    const shares = revealed.get(of)!;
    if (shares.length < threshold) return { ok: false, reason: 'too-few-shares', suspect: of };
    const secret = combineShares(shares);
    if (alive.has(of)) {
      if (commitToSeed(secret, { session: session.session, of }) !== seedCommitments.get(of)) {
        return { ok: false, reason: 'secret-wrong', suspect: of };
      }
      instructions.push({ key: selfMaskKey(secret, session.session), sign: -1 });
      continue;
    }
    if (encodeBase64Url(agreementPublicKey(secret)) !== session.keys.get(of)!.maskKey) {
      return { ok: false, reason: 'secret-wrong', suspect: of };
    }
    const agree = createAgreement(secret);
    for (const survivor of near) {
      const publicKey = decodeKey(session.keys.get(survivor)!.maskKey);
      const pair = [survivor, of] as const;
      const key = pairMaskKey(agree(publicKey), { terms, session: session.session, pair });
      instructions.push({ key, sign: pairSign(survivor, of) === 1 ? -1 : 1 });
    }
  }
  return { ok: true, instructions };
}
