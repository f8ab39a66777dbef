/** What a site has trained and not masked yet, over restarts. */
import type { TrainingFigures } from '@wardround/protocols/session/messages.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { dropVector, keepSession, readKeptSession } from '../../state/kept-session.ts';
import { DeclineError } from '../decline-error.ts';

interface Round {
  readonly study: Sha256Hex;
  readonly stage: string;
  readonly round: number;
  /** The weights that it starts from. */
  readonly model: Sha256Hex;
}

/**
 * Whether the round's vector lies here already.
 *
 * @throws {DeclineError} when the round is one that this site has left behind, or began with other weights before: a second
 *   update of one round would give away a difference.
 */
export async function hasTrained(folder: string, { round, model, ...reference }: Round): Promise<boolean> {
  const kept = await readKeptSession(folder, reference);
  if (kept === null || kept.round < round) return false;
  if (kept.round > round) {
    throw new DeclineError('round-over', 'Cannot train: this site has worked for a later round of the stage already.');
  }
  if (kept.model === model) return true;
  throw new DeclineError('model-chain-broken', 'Cannot train: this round began with other weights before.');
}

/** Durable when it resolves; the vector must be. */
export function keepTraining(
  folder: string,
  {
    study,
    stage,
    round,
    model,
    figures,
    epsilon,
  }: Round & {
    readonly figures: TrainingFigures;
    /** What the cohort's patients have spent in all with this round; null where no budget is kept. */
    readonly epsilon: number | null;
  },
): Promise<void> {
  const nothingSaid = { hasVector: true, party: null, masked: null };
  return keepSession(folder, { study, stage, round, model, figures, epsilon, ...nothingSaid });
}

/**
 * Once nothing of a stage's last round is to be masked any more: the vector and the secrets of its session go, and so does a
 * vector that no session was kept for. Which round it was stays.
 */
export async function forgetTraining(
  folder: string,
  reference: { readonly study: Sha256Hex; readonly stage: string },
): Promise<void> {
  const kept = await readKeptSession(folder, reference);
  if (kept !== null && (kept.hasVector || kept.said !== undefined)) {
    const { party } = kept;
    const isRevealed = !kept.hasVector || party === null || party.phase === 'revealed';
    const left = isRevealed
      ? party
      : ({ phase: 'aborted', terms: party.terms, site: party.site, reason: 'stopped' } as const);
    await keepSession(folder, { ...kept, hasVector: false, party: left, masked: null, said: undefined });
  }
  // Also where a site was stopped between the two.
  await dropVector(folder, reference);
}
