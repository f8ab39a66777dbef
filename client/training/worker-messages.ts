/** What the main thread and the training thread say to each other. */
import type { MaskInstruction } from '@wardround/protocols/secure-aggregation/mask-instructions.ts';
import type {
  EngineLabel,
  EvaluationReport,
  Progress,
  SiteReady,
  TrainingFigures,
} from '@wardround/protocols/session/messages.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { CodeBits } from '@wardround/shared/bytes/code-words.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { EngineKind } from '@wardround/shared/learning/engine/open-engine.ts';
import type { SafeError } from '../log/safe-error.ts';
import type { LocalLayers } from './local-layers.ts';
import type { PlaceInterval } from './place-keeper.ts';

/** Given once, when the thread starts. */
export interface WorkerSettings {
  readonly dataDirectory: string;
  /** Where decoded slices are kept between runs. */
  readonly cacheDirectory: string;
  /** Engines to try; all of them, fastest first, when absent. */
  readonly engines: readonly EngineKind[] | null;
  /** The most threads that may train at once without a GPU; one a core when absent. */
  readonly threads?: number | undefined;
  /** How often a training keeps its place; `DEFAULT_PLACE_INTERVAL` when absent. */
  readonly placeInterval?: PlaceInterval | undefined;
}

export interface ModelFile {
  readonly hash: Sha256Hex;
  readonly file: string;
}

/** To whom and for what a result is sealed before it leaves the thread. */
export interface Sealing {
  readonly recipientSealingKey: string;
  readonly context: string;
}

export interface PrepareTask {
  readonly kind: 'prepare';
  readonly plan: StudyPlan;
}
export interface Prepared {
  readonly ready: SiteReady;
  readonly engine: EngineLabel & { readonly notes: readonly string[] };
  /** What was done with the data, in plain sentences. */
  readonly notes: readonly string[];
}

export interface TrainTask {
  readonly kind: 'train';
  readonly plan: StudyPlan;
  readonly stage: string;
  readonly round: number;
  /** Sites invited to the round. */
  readonly sites: number;
  readonly model: ModelFile;
  readonly sliceEncoder: ModelFile | null;
  /** This site's own first layers before the round; null before the first. */
  readonly local: LocalLayers | null;
  readonly sealing: Sealing;
  /** Where the sealed update is written, under its hash. */
  readonly outbox: string;
  /** The site's folder, where the training keeps its place; it keeps none where left out. */
  readonly placeFolder?: string | undefined;
  /** Where the vector is written as it is, for a session that masks it later; then nothing is sealed. */
  readonly keepVector?: string | undefined;
  /** With error feedback: the folder of residuals, and which of them is added to the update. */
  readonly residuals?: { readonly path: string; readonly carried: Sha256Hex | null } | undefined;
}
export interface Trained {
  readonly blob: ModelFile;
  /** Size of the sealed update. */
  readonly bytes: number;
  readonly layout: Sha256Hex;
  readonly figures: TrainingFigures;
  /** The site's first layers after the round; null for stages without. */
  readonly local: LocalLayers | null;
  readonly clippedCoordinates: number;
  /** Layout groups whose sample count was above what the plan allows and was lowered to it. */
  readonly cappedGroups: readonly string[];
  /** With error feedback: what the update left out, in the folder of residuals. */
  readonly residual?: Sha256Hex | undefined;
}

export interface EvaluateTask {
  readonly kind: 'evaluate';
  readonly plan: StudyPlan;
  readonly models: readonly { readonly stage: string; readonly initial: ModelFile; readonly final: ModelFile }[];
  readonly local: LocalLayers | null;
  readonly sealing: Sealing;
}
export interface Evaluated {
  /** The report as canonical JSON, sealed, base64url. */
  readonly sealed: string;
  readonly results: number;
  readonly skipped: EvaluationReport['skipped'];
}

/** Masks a kept vector. */
export interface MaskTask {
  readonly kind: 'mask';
  readonly vectorFile: string;
  /** Of the vector's words; 32 where left out. */
  readonly codeBits?: CodeBits | undefined;
  readonly instructions: readonly MaskInstruction[];
  readonly sealing: Sealing;
  readonly outbox: string;
}
export interface Masked {
  readonly blob: ModelFile;
  /** Size of the sealed vector. */
  readonly bytes: number;
  /** SHA-256 of the masked vector. */
  readonly maskedInput: Sha256Hex;
}

/** Computes a stage's weights from published sums. */
export interface AdvanceTask {
  readonly kind: 'advance-model';
  readonly plan: StudyPlan;
  readonly stage: string;
  /** Where the last computation ended; null to begin with the plan's seed. */
  readonly from: {
    readonly initial: Sha256Hex;
    readonly model: Sha256Hex;
    readonly optimiserState: Sha256Hex | null;
    readonly secondMoment?: Sha256Hex | null | undefined;
  } | null;
  /** What the coordinator says the stage began with. */
  readonly initial: Sha256Hex;
  readonly links: readonly {
    readonly sites: number;
    /** The file of the sum. */
    readonly sum: string;
    /** In studies with cohorts: the files of the sums that take its place, in the order of the chain. */
    readonly cohortSums?: readonly string[];
    readonly model: Sha256Hex;
  }[];
  /** Holds weights and memories under their hashes. */
  readonly folder: string;
}
export interface Advanced {
  readonly initial: Sha256Hex;
  readonly model: Sha256Hex;
  /** Its momentum. */
  readonly optimiserState: Sha256Hex | null;
  readonly secondMoment: Sha256Hex | null;
}

export interface TaskResults {
  readonly mask: Masked;
  readonly 'advance-model': Advanced;
  readonly prepare: Prepared;
  readonly train: Trained;
  readonly evaluate: Evaluated;
}
export type Task = PrepareTask | TrainTask | MaskTask | AdvanceTask | EvaluateTask;

export interface TaskProgress {
  readonly activity: Progress['activity'];
  readonly stage: string | null;
  readonly round: number | null;
  readonly done: number;
  readonly total: number;
  readonly loss: number | null;
  readonly perSecond: number | null;
}

export type ToWorker =
  | { readonly kind: 'task'; readonly id: number; readonly task: Task }
  | { readonly kind: 'stop'; readonly id: number };

export type FromWorker =
  | { readonly kind: 'progress'; readonly id: number; readonly progress: TaskProgress }
  | { readonly kind: 'done'; readonly id: number; readonly result: TaskResults[Task['kind']] }
  | { readonly kind: 'stopped'; readonly id: number }
  | { readonly kind: 'declined'; readonly id: number; readonly reason: string; readonly message: string }
  | { readonly kind: 'failed'; readonly id: number; readonly error: SafeError };
