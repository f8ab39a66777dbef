/** The state of a study: what the fold of its journal knows. Plain data, hashable as canonical JSON. */
import { hashOfJson, type Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { EvaluationReport, SiteReady, TrainingFigures } from '../session/messages.ts';
import type { StudyRules } from './events.ts';
import type { SessionState, SessionStep } from './session-state.ts';

export interface StudyState {
  /** The plan's hash. */
  readonly study: Sha256Hex;
  readonly name: string;
  readonly planBlob: Sha256Hex;
  readonly rules: StudyRules;
  readonly launchedAtMillis: number;
  readonly endedAtMillis: number | null;
  readonly phase: Phase;
  /** Not there while the study runs. The phase's deadline means nothing meanwhile. */
  readonly paused?: Pause;
  /** When the last pause ended; not there in studies that were never paused. */
  readonly resumedAtMillis?: number;
  /** Every site that was ever invited to the study. */
  readonly sites: Readonly<Record<string, SiteState>>;
  /** The stages begun so far, in plan order. */
  readonly stages: readonly StageState[];
  readonly evaluation: EvaluationState | null;
}

export interface Pause {
  readonly sinceMillis: number;
  /** What is left of the phase's time; null for a phase without a deadline. */
  readonly remainingMillis: number | null;
}

export type Phase =
  /** Sites read the plan and their data. */
  | { readonly kind: 'waiting-for-sites'; readonly deadlineMillis: number }
  /** The stage's starting weights are being made. */
  | { readonly kind: 'starting-stage'; readonly stage: number }
  /** The next round of the last stage is due to open. Passed through within one transaction. */
  | { readonly kind: 'between-rounds' }
  /** The last round of the last stage is open. */
  | {
      readonly kind: 'training';
      readonly deadlineMillis: number;
      /** When the quorum had answered: since then the deadline is the end of the grace. */
      readonly quorumAtMillis?: number;
    }
  /** The sites that have trained aggregate their updates so that only the sum shows. */
  | { readonly kind: 'secure-session'; readonly step: SessionStep; readonly deadlineMillis: number }
  /** The last round is closed and its updates are being added. */
  | { readonly kind: 'aggregating' }
  /** The evaluation is due to open. Passed through within one transaction. */
  | { readonly kind: 'before-evaluation' }
  | { readonly kind: 'evaluating'; readonly deadlineMillis: number }
  /** The evaluation is over and the study due to be marked as finished. Passed through within one transaction. */
  | { readonly kind: 'evaluated' }
  | { readonly kind: 'finished' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'aborted' };

export type SiteState =
  | { readonly status: 'invited' }
  | { readonly status: 'ready'; readonly ready: SiteReady }
  /** `ready` is what the site had reported before it withdrew, if it had. */
  | { readonly status: 'declined'; readonly reason: string; readonly ready: SiteReady | null };

export interface StageState {
  readonly name: string;
  readonly kind: StudyRules['stages'][number]['kind'];
  readonly layout: Sha256Hex;
  readonly initialModel: Sha256Hex;
  /** The weights after the last committed round. */
  readonly model: Sha256Hex;
  readonly optimiserState: Sha256Hex | null;
  /** With a gate: what the last committed round started from, in case its result turns out to be bad. */
  readonly fallback?: { readonly model: Sha256Hex; readonly optimiserState: Sha256Hex | null };
  /** Round n is at index n - 1. */
  readonly rounds: readonly RoundState[];
}

export interface RoundState {
  readonly round: number;
  /** The weights it started from. */
  readonly startModel: Sha256Hex;
  /** Invited sites, sorted. */
  readonly sites: readonly string[];
  readonly openedAtMillis: number;
  readonly accepted: readonly AcceptedUpdate[];
  readonly leftOut: readonly LeftOut[];
  /** Not there in studies without secure aggregation. */
  readonly session?: SessionState;
  /** Offers refused while the round was the last one. */
  readonly refused: readonly RefusedOffer[];
  readonly closedAtMillis: number | null;
  readonly outcome: RoundOutcome | null;
}

export type RoundOutcome =
  | {
      readonly kind: 'committed';
      readonly atMillis: number;
      readonly model: Sha256Hex;
      readonly participants: readonly string[];
      /** The published sum and the hash of the session that it came from; not there without secure aggregation. */
      readonly sum?: Sha256Hex;
      readonly transcript?: Sha256Hex;
      /** With cohorts: the sum of each that was added. */
      readonly cohortSums?: readonly Sha256Hex[];
      /** With a gate: L2 norm of the model's change. */
      readonly updateNorm?: number;
    }
  /** The updates were added, the result did not pass the gate, and the study went on from `model`. */
  | {
      readonly kind: 'rolled-back';
      readonly atMillis: number;
      readonly reason: string;
      readonly rejectedModel: Sha256Hex;
      readonly model: Sha256Hex;
      /** As for a committed round. */
      readonly sum?: Sha256Hex;
      readonly transcript?: Sha256Hex;
      readonly cohortSums?: readonly Sha256Hex[];
    }
  /** There is no result, and never will be: the study went on from the weights the round started from. */
  | {
      readonly kind: 'skipped';
      readonly atMillis: number;
      readonly reason: string;
      readonly transcript?: Sha256Hex;
    }
  | { readonly kind: 'failed'; readonly atMillis: number; readonly reason: string };

export interface AcceptedUpdate {
  readonly site: string;
  readonly blob: Sha256Hex;
  readonly figures: TrainingFigures;
  readonly bytes: number;
  readonly atMillis: number;
}

export interface LeftOut {
  readonly site: string;
  readonly reason: string;
}

export interface RefusedOffer extends LeftOut {
  /** The round that the offer named, if it is another one. Stages are counted from 0. */
  readonly offered?: { readonly stage: number; readonly round: number };
}

export interface EvaluationState {
  readonly openedAtMillis: number;
  /** Sites asked to evaluate, sorted. */
  readonly sites: readonly string[];
  readonly reports: Readonly<Record<string, { readonly report: EvaluationReport; readonly bytes: number }>>;
  readonly missing: readonly LeftOut[];
  readonly closedAtMillis: number | null;
}

export function isOver(state: StudyState): boolean {
  return state.phase.kind === 'finished' || state.phase.kind === 'failed' || state.phase.kind === 'aborted';
}

/** The stage begun last, or undefined before the first. */
export function currentStage(state: StudyState): StageState | undefined {
  return state.stages.at(-1);
}

/** The last round of the current stage. */
export function currentRound(state: StudyState): RoundState | undefined {
  return currentStage(state)?.rounds.at(-1);
}

/** Names of the sites that are ready, sorted by UTF-16 code unit, which is the order of every list of sites. */
export function readySites(state: StudyState): string[] {
  return Object.keys(state.sites)
    .filter((site) => state.sites[site]?.status === 'ready')
    .sort();
}

/** Sites of the round that have neither been accepted, nor have trained for its session, nor were left out. */
export function unanswered(round: RoundState): string[] {
  const answered = new Set([...round.accepted, ...round.leftOut].map(({ site }) => site));
  for (const site of Object.keys(round.session?.trained ?? {})) answered.add(site);
  return round.sites.filter((site) => !answered.has(site));
}

/** The hash that names a state; equal journals give equal hashes on every machine. */
export function stateHash(state: StudyState): Sha256Hex {
  return hashOfJson('study-state/1', state);
}
