/** What a round's session is about, as both sides fill it in for themselves. */
import type { CodeBits } from '@wardround/shared/bytes/code-words.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { ParameterLayout } from '@wardround/shared/tensors/layout.ts';
import { updateVectorLength } from '../transfer/update-code.ts';
import { canaryWords } from './canary.ts';
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
    /** Of the vectors' words; 32 where left out. */
    readonly codeBits?: CodeBits | undefined;
    readonly cohort?: SessionTerms['cohort'];
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
    ...(round.cohort !== undefined && { cohort: round.cohort }),
    words: sessionWords(round.layout, round.codeBits),
  };
}

/** How many words a masked vector has. */
export function sessionWords(layout: ParameterLayout, codeBits: CodeBits = 32): number {
  return updateVectorLength(layout, codeBits) + canaryWords(codeBits);
}
