/**
 * Which masks to add to a vector. Instructions are the same for every piece of it, so that whoever holds the vector masks
 * it piece by piece, in as many threads as there are.
 */
import type { CodeWords } from '@wardround/shared/bytes/code-words.ts';
import { createAgreement } from '@wardround/shared/crypto/key-agreement.ts';
import { addMasks, type Mask } from '@wardround/shared/crypto/mask-generator.ts';
import { decodeKey, pairMaskKey, selfMaskKey } from './session-keys.ts';
import type { SiteMasking } from './site-state.ts';

/** Secret. */
export type MaskInstruction = Mask;

/** The site's own mask, and one for each neighbour that shared: added by the one, taken away by the other. */
export function maskInstructions(state: SiteMasking): MaskInstruction[] {
  const { terms, session, site, maskKeys } = state;
  const agree = createAgreement(decodeKey(state.maskSecret));
  const pairs = Object.keys(maskKeys)
    .sort()
    .map((other) => {
      const key = pairMaskKey(agree(decodeKey(maskKeys[other]!)), { terms, session, pair: [site, other] });
      return { key, sign: pairSign(site, other) };
    });
  return [{ key: selfMaskKey(decodeKey(state.seed), session), sign: 1 }, ...pairs];
}

/** With which sign a site adds the mask between it and another one. */
export function pairSign(site: string, other: string): 1 | -1 {
  return site < other ? 1 : -1;
}

/**
 * Adds the masks to a piece of a vector, modulo 2^32 or 2^16, in place. Serves the sites, which mask, and the coordinator, whose
 * instructions take masks out of the sum.
 *
 * @param options `firstWord`: which number of the whole vector the piece begins with.
 */
export function applyMasks(
  piece: CodeWords,
  instructions: readonly MaskInstruction[],
  options: { readonly firstWord?: number } = {},
): void {
  addMasks(piece, instructions, options);
}
