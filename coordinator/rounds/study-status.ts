/** A study as a person asks for it: where it is, and whom it waits for and why. Plain data, for `status --json` too. */
import { nextDeadline } from '@wardround/protocols/round/machine.ts';
import {
  currentRound,
  currentStage,
  isOver,
  type LeftOut,
  type Pause,
  type StudyState,
} from '@wardround/protocols/round/state.ts';
import type { Progress } from '@wardround/protocols/session/messages.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { type AtDeadline, atDeadline } from './at-deadline.ts';
import { type AwaitedSite, awaitedSites, type SiteSighting } from './awaited-sites.ts';

export interface StudyStatus {
  /** The plan's hash. */
  readonly study: Sha256Hex;
  readonly name: string;
  readonly phase: StudyState['phase']['kind'];
  /** Why a failed study failed. */
  readonly reason: string | null;
  readonly launchedAtMillis: number;
  readonly endedAtMillis: number | null;
  /** Since when the study is paused, and what is left of the phase's time; null while it runs. */
  readonly paused: Pause | null;
  /** When the phase ends without those it waits for; null while the study is paused. */
  readonly deadlineMillis: number | null;
  /** What happens then, if nothing comes before. */
  readonly atDeadline: AtDeadline | null;
  readonly stages: readonly {
    readonly name: string;
    readonly rounds: number;
    readonly committedRounds: number;
    readonly skippedRounds: number;
  }[];
  /** The round that is open or closed last, in the current stage. */
  readonly round: {
    readonly stage: string;
    /** From 1. */
    readonly stageNumber: number;
    readonly round: number;
    readonly openedAtMillis: number;
    readonly accepted: readonly string[];
    readonly leftOut: readonly LeftOut[];
    /** Since when enough have answered and the others have their grace. */
    readonly quorumAtMillis: number | null;
  } | null;
  readonly waitingFor: readonly AwaitedSite[];
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

export function studyStatus(
  state: StudyState,
  seen: { readonly sighting: (site: string) => SiteSighting; readonly nowMillis: number },
): StudyStatus {
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
    paused: state.paused ?? null,
    deadlineMillis: nextDeadline(state),
    atDeadline: atDeadline(state),
    stages: state.rules.stages.map(({ name, rounds }, index) => {
      const ended = (kind: string) =>
        (state.stages[index]?.rounds ?? []).filter(({ outcome }) => outcome?.kind === kind).length;
      return { name, rounds, committedRounds: ended('committed'), skippedRounds: ended('skipped') };
    }),
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
            quorumAtMillis: phase.kind === 'training' ? (phase.quorumAtMillis ?? null) : null,
          },
    waitingFor: awaitedSites(state, seen),
    sites: Object.entries(state.sites)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([site, known]) => {
        const { connected, progress, progressAtMillis } = seen.sighting(site);
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
