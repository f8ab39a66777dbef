/** Whom a study waits for, for what, and why it is not there yet, as far as the sites have told. */
import { awaitedInStep } from '@wardround/protocols/round/session-state.ts';
import { currentRound, type StudyState, unanswered } from '@wardround/protocols/round/state.ts';
import type { Progress } from '@wardround/protocols/session/messages.ts';

export interface AwaitedSite {
  readonly site: string;
  readonly why:
    | 'has-not-answered'
    | 'has-not-sent-its-update'
    | 'has-not-sent-its-session-message'
    | 'has-not-sent-its-evaluation';
  readonly state:
    | 'not-connected'
    | 'waiting-for-approval'
    /** For the hours in which its policy lets it train, or for a person. */
    | 'waiting'
    | 'working'
    | 'working-for-another-study'
    /** It is there and has not said what it does. */
    | 'connected';
  /** Since when it is in that state; null where that is not known. */
  readonly sinceMillis: number | null;
}

/** What is known of a site beside the study's state. */
export interface SiteSighting {
  /** Whether it has a socket open; a site that polls has none. */
  readonly connected: boolean;
  /** When it was last heard, by whatever way; null for never since the coordinator was started. */
  readonly heardMillis: number | null;
  readonly progress: Progress | null;
  readonly progressAtMillis: number | null;
  readonly progressSinceMillis: number | null;
  /** Whether it said of this study that it waits for a person or for its hours. */
  readonly isWaiting: boolean;
}

/** Sites ask for work more often than this, whatever they do. */
const SILENT_MILLIS = 90_000;

export function awaitedSites(
  state: StudyState,
  { sighting, nowMillis }: { readonly sighting: (site: string) => SiteSighting; readonly nowMillis: number },
): AwaitedSite[] {
  return awaited(state).map(({ site, why }) => {
    const seen = sighting(site);
    const isHere = seen.connected || (seen.heardMillis !== null && nowMillis - seen.heardMillis < SILENT_MILLIS);
    if (!isHere) return { site, why, state: 'not-connected', sinceMillis: seen.heardMillis };
    const { progress, progressSinceMillis } = seen;
    const isAtThis = progress?.study === state.study;
    if (seen.isWaiting) {
      const sinceMillis = isAtThis ? progressSinceMillis : null;
      return { site, why, state: why === 'has-not-answered' ? 'waiting-for-approval' : 'waiting', sinceMillis };
    }
    if (progress === null) return { site, why, state: 'connected', sinceMillis: null };
    return { site, why, state: isAtThis ? 'working' : 'working-for-another-study', sinceMillis: progressSinceMillis };
  });
}

function awaited(state: StudyState): Pick<AwaitedSite, 'site' | 'why'>[] {
  const round = currentRound(state);
  switch (state.phase.kind) {
    case 'waiting-for-sites':
      return Object.keys(state.sites)
        .filter((site) => state.sites[site]?.status === 'invited')
        .sort()
        .map((site) => ({ site, why: 'has-not-answered' }));
    case 'training':
      return round === undefined ? [] : unanswered(round).map((site) => ({ site, why: 'has-not-sent-its-update' }));
    case 'secure-session': {
      if (round === undefined) return [];
      return awaitedInStep(round, state.phase.step).map((site) => ({ site, why: 'has-not-sent-its-session-message' }));
    }
    case 'evaluating': {
      const { evaluation } = state;
      if (evaluation === null) return [];
      return evaluation.sites
        .filter((site) => evaluation.reports[site] === undefined && state.sites[site]?.status !== 'declined')
        .map((site) => ({ site, why: 'has-not-sent-its-evaluation' }));
    }
    default:
      return [];
  }
}
