/** What can happen to a study from outside: what sites and the administrator say, and what the coordinator's effects report. */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { EvaluationReport, SiteReady, TrainingFigures } from '../session/messages.ts';
import type { SessionStep } from './session-state.ts';

export type StudyInput =
  /** A site was admitted after the launch. */
  | { readonly kind: 'invite'; readonly site: string }
  | { readonly kind: 'ready'; readonly site: string; readonly ready: SiteReady }
  | { readonly kind: 'decline'; readonly site: string; readonly reason: string }
  | UpdateInput
  | SessionMessageInput
  | {
      readonly kind: 'decline-round';
      readonly site: string;
      readonly stage: string;
      readonly round: number;
      readonly reason: string;
    }
  /** The open step's messages do not fit together. */
  | {
      readonly kind: 'session-broken';
      readonly stage: number;
      readonly round: number;
      readonly attempt: number;
      readonly reason: string;
      /** Whose message it was, where that is known: it is left out of the round. */
      readonly suspect: string | null;
    }
  | { readonly kind: 'evaluation'; readonly site: string; readonly report: EvaluationReport; readonly bytes: number }
  | { readonly kind: 'abort' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  /** The coordinator's own effects, done. */
  | { readonly kind: 'stage-prepared'; readonly stage: number; readonly layout: Sha256Hex; readonly model: Sha256Hex }
  | {
      readonly kind: 'aggregated';
      readonly stage: number;
      readonly round: number;
      readonly model: Sha256Hex;
      readonly optimiserState: Sha256Hex | null;
      readonly sum?: Sha256Hex;
      readonly transcript?: Sha256Hex;
      /** With cohorts: the sum of each. */
      readonly cohortSums?: readonly Sha256Hex[];
      /** L2 norm of the model's change; the gate of studies that have one needs it. */
      readonly updateNorm?: number;
    }
  /** An accepted update could not be read back when it was to be added. */
  | {
      readonly kind: 'update-unusable';
      readonly stage: number;
      readonly round: number;
      readonly site: string;
      readonly reason: string;
    }
  /** One cohort of the closed round has no sum: the round has a result if enough others do. */
  | {
      readonly kind: 'cohort-unusable';
      readonly stage: number;
      readonly round: number;
      /** Its place among the round's cohorts. */
      readonly cohort: number;
      readonly reason: string;
      /** Whose doing it was, where that is known. */
      readonly suspect: string | null;
    }
  /** The closed round can have no result: its session does not fit together, or what came out is no sum of updates. */
  | {
      readonly kind: 'round-unfit';
      readonly stage: number;
      readonly round: number;
      readonly reason: string;
      /** Whose doing it was, where that is known. */
      readonly suspect: string | null;
      /** Hash of the session's messages, where it came to an end. */
      readonly transcript?: Sha256Hex;
    }
  /** An effect failed for good. */
  | { readonly kind: 'give-up'; readonly reason: string }
  /** The coordinator was started again. */
  | { readonly kind: 'restarted' };

/** A signed message of a secure-aggregation session. */
export interface SessionMessageInput {
  readonly kind: 'session-message';
  readonly site: string;
  readonly stage: string;
  readonly round: number;
  readonly attempt: number;
  readonly step: SessionStep;
  /** Hash of the signed message. */
  readonly body: Sha256Hex;
  /** With `advertise`. */
  readonly figures: TrainingFigures | null;
  /** With `masked-input`: the uploaded vector. */
  readonly vector: { readonly blob: Sha256Hex; readonly bytes: number } | null;
  /** What checking the message found: null when it is sound, as for updates. */
  readonly finding: string | null;
}

export interface UpdateInput {
  readonly kind: 'update';
  readonly site: string;
  readonly stage: string;
  readonly round: number;
  readonly blob: Sha256Hex;
  readonly model: Sha256Hex;
  readonly layout: Sha256Hex;
  readonly figures: TrainingFigures;
  readonly bytes: number;
  /**
   * What opening and checking the update found: null when it is sound. Deciding first with null tells cheaply whether
   * the update would be taken at all.
   */
  readonly finding: string | null;
}
