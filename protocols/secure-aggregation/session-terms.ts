/** What a round's session is about, as both sides fill it in for themselves. */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { ParameterLayout } from '@wardround/shared/tensors/layout.ts';
import { updateVectorLength } from '../transfer/update-code.ts';
import { CANARY_WORDS } from './canary.ts';
import type { SessionTerms } from './messages.ts';
import type { PinnedRoster } from './signed-message.ts';

export function sessionTerms(
  round: {
    /** The plan's hash. */
    readonly study: Sha256Hex;
    /** The stage's name. */
    readonly stage: string;
    readonly round: number;
    readonly attempt: number;
    readonly model: Sha256Hex;
    readonly layout: ParameterLayout;
  },
  roster: Pick<PinnedRoster, 'epoch' | 'hash'>,
): SessionTerms {
  return {
    run: `${round.study}/${round.stage}`,
    round: round.round,
    attempt: round.attempt,
    model: round.model,
    plan: round.study,
    rosterEpoch: roster.epoch,
    roster: roster.hash,
    words: sessionWords(round.layout),
  };
}

/** How many 32-bit numbers a masked vector has. */
export function sessionWords(layout: ParameterLayout): number {
  return updateVectorLength(layout) + CANARY_WORDS;
}
