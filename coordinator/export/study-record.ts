/**
 * A study as it is read back after the fact: everything that a report needs and nothing that training needs.
 *
 * The coordinator's journal holds the events; this is the plain record that is folded from them for reading.
 */
import type { ReasonCode } from '@wardround/protocols/names.ts';
import type {
  EngineLabel,
  EvaluationReport,
  Inventory,
  QuarantineCounts,
  TrainingFigures,
} from '@wardround/protocols/session/messages.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { z } from 'zod';

export interface LeftOut {
  readonly site: string;
  readonly reason: z.infer<typeof ReasonCode>;
}

/** A site that answered `ready`: what it counted in its own data, and what it trains on. */
export interface SiteRecord {
  readonly site: string;
  readonly inventory: Inventory;
  readonly quarantine: QuarantineCounts;
  readonly engine: EngineLabel;
}

export interface ParticipantRecord {
  readonly site: string;
  readonly figures: TrainingFigures;
  /** Bytes of the sealed update that the site sent for this round. */
  readonly bytesSent: number;
}

export interface RoundRecord {
  /** From 1. */
  readonly round: number;
  readonly startedMillis: number;
  readonly endedMillis: number;
  /** The sites whose updates are in the sum. */
  readonly participants: readonly ParticipantRecord[];
  readonly leftOut: readonly LeftOut[];
  /** Who said that it had trained, whatever became of its update: a private site has spent for it. */
  readonly trained?: readonly { readonly site: string; readonly steps: number }[];
  /** Blob of the weights that the study went on from; those before the round when it failed. */
  readonly model: Sha256Hex;
  /** The session that gave the sum; not there without secure aggregation. */
  readonly session?: {
    /** How many sites it began with, and how many of them it takes to open an update. */
    readonly sites: number;
    readonly threshold: number;
    /** Attempts before it that too many sites had left. */
    readonly aborted: number;
  };
  /** Why the round has no result: it was skipped, or ended a failed study. */
  readonly failure: z.infer<typeof ReasonCode> | null;
}

export interface StageRecord {
  readonly name: string;
  /** Blob of the weights that the stage began with. */
  readonly initial: Sha256Hex;
  /** Blob of the weights that the stage ended with; null while it has not. */
  readonly final: Sha256Hex | null;
  /** Finished rounds, in order. */
  readonly rounds: readonly RoundRecord[];
}

export interface LedgerHead {
  readonly records: number;
  /** Of the last record. */
  readonly hash: Sha256Hex;
}

/** What later audits can be held against. */
export interface LedgerHeads {
  /** Of a checkpoint: its records, the root of their tree, and how many sites have cosigned it. */
  readonly coordinatorLog: { readonly records: number; readonly root: Sha256Hex; readonly cosignatures: number };
  /** What each site has shown of its own ledgers; null where it has shown none. */
  readonly sites: readonly {
    readonly site: string;
    readonly egress: LedgerHead | null;
    readonly privacy: LedgerHead | null;
  }[];
}

export interface StudyRecord {
  readonly plan: StudyPlan;
  /** The plan's hash. */
  readonly hash: Sha256Hex;
  readonly state: 'running' | 'finished' | 'failed' | 'aborted';
  /** Why a failed study failed. */
  readonly failure: z.infer<typeof ReasonCode> | null;
  readonly launchedMillis: number;
  readonly endedMillis: number | null;
  readonly sites: readonly SiteRecord[];
  /** Sites that were invited to the study and declined it or never answered. */
  readonly absent: readonly LeftOut[];
  /** The stages that began, in plan order. */
  readonly stages: readonly StageRecord[];
  readonly evaluations: readonly { readonly site: string; readonly report: EvaluationReport }[];
  /** Null or absent where the coordinator has no log yet. */
  readonly ledgers?: LedgerHeads | null;
  /** Sites that took part but whose evaluation did not arrive or could not be used. */
  readonly evaluationLeftOut: readonly LeftOut[];
}
