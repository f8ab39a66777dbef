/**
 * Which of its studies a site works for next. A study has at most one piece of work for a site, so the piece that has waited
 * longest is that of the study which was served longest ago: each gets its turn, and what is in hand stays the first until it
 * is done, because whatever comes up meanwhile has waited for less.
 */
import type { Work } from '../session/messages.ts';
import { currentRound, type StudyState } from './state.ts';
import { workFor } from './work-for.ts';

/**
 * @param isHeldUp whether the site cannot begin to prepare for the study now, because nobody there has approved it: others
 *   need not wait for that.
 */
export function chooseWork(
  states: Iterable<StudyState>,
  site: string,
  isHeldUp: (study: string) => boolean = () => false,
): Work | null {
  let chosen: { readonly work: Work; readonly rank: number; readonly sinceMillis: number } | null = null;
  for (const state of states) {
    const work = workFor(state, site);
    if (work === null) continue;
    const rank = work.kind === 'secure-session' ? 0 : work.kind === 'prepare' && isHeldUp(state.study) ? 2 : 1;
    const sinceMillis = dueSince(state);
    // Of sessions, too, the one that has waited longest: all of its other sites wait with it.
    const isNext = chosen === null || rank < chosen.rank || (rank === chosen.rank && sinceMillis < chosen.sinceMillis);
    if (isNext) chosen = { work, rank, sinceMillis };
  }
  return chosen?.work ?? null;
}

/** When the study's work for its sites came up. */
function dueSince(state: StudyState): number {
  const { evaluation, launchedAtMillis, resumedAtMillis = 0 } = state;
  const round = currentRound(state);
  const since = evaluation?.openedAtMillis ?? round?.openedAtMillis ?? launchedAtMillis;
  return Math.max(since, resumedAtMillis);
}
