/** Evidence of an offer that was refused: whose, why, and for which round. */
import type { StudyEvent } from './events.ts';
import { currentRound, isOver, type RefusedOffer, type StudyState } from './state.ts';

/** Noted with the last round, once per site and reason, so that nobody can fill the journal. */
export function noteRefusal(state: StudyState, note: RefusedOffer & { readonly atMillis: number }): StudyEvent[] {
  const round = currentRound(state);
  if (round === undefined || isOver(state)) return [];
  const stage = state.stages.length - 1;
  const { site, reason, offered, atMillis } = note;
  const isHere = offered === undefined || (offered.stage === stage && offered.round === round.round);
  const named = isHere ? undefined : offered;
  const isKnown = round.refused.some((refused) => refused.site === site && refused.reason === reason);
  if (isKnown) return [];
  const place = { stage, round: round.round };
  return [{ kind: 'offer-refused', atMillis, ...place, site, reason, ...(named !== undefined && { offered: named }) }];
}
