/** A study as a person asks for it: where it is, and whom it waits for and why. Plain data, for `status --json` too. */
import { awaitedInStep } from '@wardround/protocols/round/session-state.ts';
import {
  currentRound,
  currentStage,
  isOver,
  type LeftOut,
  type StudyState,
  unanswered,
} from '@wardround/protocols/round/state.ts';
import type { Progress } from '@wardround/protocols/session/messages.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';

export interface StudyStatus {
  /** The plan's hash. */
  readonly study: Sha256Hex;
  readonly name: string;
  readonly phase: StudyState['phase']['kind'];
  /** Why a failed study failed. */
  readonly reason: string | null;
  readonly launchedAtMillis: number;
  readonly endedAtMillis: number | null;
  /** When the phase ends without those it waits for. */
  readonly deadlineMillis: number | null;
  readonly stages: readonly { readonly name: string; readonly rounds: number; readonly committedRounds: number }[];
  /** The round that is open or closed last, in the current stage. */
  readonly round: {
    readonly stage: string;
    /** From 1. */
    readonly stageNumber: number;
    readonly round: number;
    readonly openedAtMillis: number;
    readonly accepted: readonly string[];
    readonly leftOut: readonly LeftOut[];
  } | null;
  readonly waitingFor: readonly {
    readonly site: string;
    readonly why:
      | 'has-not-answered'
      | 'has-not-sent-its-update'
      | 'has-not-sent-its-session-message'
      | 'has-not-sent-its-evaluation';
  }[];
  readonly sites: readonly {
    readonly site: string;
    readonly status: 'invited' | 'ready' | 'declined';
    /** Why it declined. */
    readonly reason: string | null;
    /** Whether it has a socket open; a site that polls has none. */
    readonly connected: boolean;
    /** What it last said about itself in this study. */
    readonly progress: Progress | null;
    readonly progressAtMillis: number | null;
  }[];
}

/** What is known of a site beside the study's state. */
export interface SiteSighting {
  readonly connected: boolean;
  readonly progress: Progress | null;
  readonly progressAtMillis: number | null;
}

export function studyStatus(state: StudyState, sighting: (site: string) => SiteSighting): StudyStatus {
  const { phase } = state;
  const stage = currentStage(state);
  const round = currentRound(state);
  return {
    study: state.study,
    name: state.name,
    phase: phase.kind,
    reason: phase.kind === 'failed' ? phase.reason : null,
    launchedAtMillis: state.launchedAtMillis,
    endedAtMillis: state.endedAtMillis,
    deadlineMillis: 'deadlineMillis' in phase ? phase.deadlineMillis : null,
    stages: state.rules.stages.map(({ name, rounds }, index) => ({
      name,
      rounds,
      committedRounds: (state.stages[index]?.rounds ?? []).filter(({ outcome }) => outcome?.kind === 'committed')
        .length,
    })),
    round:
      stage === undefined || round === undefined
        ? null
        : {
            stage: stage.name,
            stageNumber: state.stages.length,
            round: round.round,
            openedAtMillis: round.openedAtMillis,
            accepted: round.accepted.map(({ site }) => site),
            leftOut: round.leftOut,
          },
    waitingFor: waitingFor(state),
    sites: Object.entries(state.sites)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([site, known]) => {
        const { connected, progress, progressAtMillis } = sighting(site);
        const isHere = progress?.study === state.study && !isOver(state);
        return {
          site,
          status: known.status,
          reason: known.status === 'declined' ? known.reason : null,
          connected,
          progress: isHere ? progress : null,
          progressAtMillis: isHere ? progressAtMillis : null,
        };
      }),
  };
}

function waitingFor(state: StudyState): StudyStatus['waitingFor'] {
  switch (state.phase.kind) {
    case 'waiting-for-sites':
      return Object.keys(state.sites)
        .filter((site) => state.sites[site]?.status === 'invited')
        .sort()
        .map((site) => ({ site, why: 'has-not-answered' }));
    case 'training': {
      const round = currentRound(state);
      if (round === undefined) return [];
      return unanswered(round).map((site) => ({ site, why: 'has-not-sent-its-update' }));
    }
    case 'secure-session': {
      const round = currentRound(state);
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
