/**
 * What a site and the coordinator say to each other over HTTP, one schema per message. The socket carries only hints and
 * progress (events.ts); whatever matters is here and is idempotent, so a lost request or answer is simply repeated.
 *
 *   GET  /v1/identity                                             -> CoordinatorIdentity   (the only unsigned answer)
 *   POST /v1/enrolments                                           EnrolmentRequest -> EnrolmentAnswer
 *   GET  /v1/work                                                 -> Work
 *   GET  /v1/blobs/SHA256                                         -> bytes (Range)
 *   POST, HEAD, PATCH, DELETE /v1/uploads                         tus (../transfer/resumable-upload.ts)
 *   POST /v1/studies/STUDY/ready                                  SiteReady -> Acknowledgement
 *   POST /v1/studies/STUDY/decline                                Decline -> Acknowledgement
 *   POST /v1/studies/STUDY/stages/STAGE/rounds/ROUND/update       UpdateOffer -> Acknowledgement
 *   POST /v1/studies/STUDY/stages/STAGE/rounds/ROUND/decline      Decline -> Acknowledgement
 *   GET  /v1/studies/STUDY/stages/STAGE/rounds/ROUND/attempts/N/STEP   -> SessionDocument
 *   POST /v1/studies/STUDY/stages/STAGE/rounds/ROUND/attempts/N/STEP   SessionOffer -> Acknowledgement
 *   GET  /v1/studies/STUDY/stages/STAGE/chain                     -> ModelChain
 *   GET  /v1/studies/STUDY                                       -> StudyStanding
 *   POST /v1/studies/STUDY/evaluation                             EvaluationOffer -> Acknowledgement
 *   POST /v1/progress                                             Progress -> Acknowledgement
 *
 * STUDY is the plan hash. Refusals are a Problem with a 4xx status.
 */
import { z } from 'zod';
import { Bytes32, Count, ReasonCode, Sha256, Slug, TimeMillis } from '../names.ts';
import {
  ConsistencyProof,
  KeyBroadcast,
  PHASES,
  ShareDelivery,
  SiteMessage,
  Survivors,
} from '../secure-aggregation/messages.ts';

/** How many patients, series and slices a site can use, and which modalities they have. Counts only. */
export const Inventory = z.strictObject({
  patients: Count,
  series: Count,
  slices: Count,
  /** Series without Hounsfield units, used with their own intensity range. */
  nonHounsfieldSeries: Count,
  /** Patients with at least one usable clinical value. */
  clinical: Count,
  /** Patients with an expression profile. */
  expression: Count,
  /** Patients with CT and at least one other modality. */
  linked: Count,
  /** Patients set aside for evaluation. */
  heldOut: Count,
});
export type Inventory = z.infer<typeof Inventory>;

/** Why things could not be used: reason code -> how many. */
export const QuarantineCounts = z
  .record(ReasonCode, Count)
  .refine((counts) => Object.keys(counts).length <= 200, 'at most 200 reasons');
export type QuarantineCounts = z.infer<typeof QuarantineCounts>;

/** The engine a site trains on, as a closed label and a device name without serial numbers. */
export const EngineLabel = z.strictObject({
  kind: z.enum(['cuda', 'native', 'webgpu', 'wasm', 'plain']),
  description: z.string().max(120),
});
export type EngineLabel = z.infer<typeof EngineLabel>;

export const CoordinatorIdentity = z.strictObject({
  format: z.literal('wardround-coordinator/1'),
  /** ed25519, base64url. */
  signingKey: Bytes32,
  /** X25519, base64url. */
  sealingKey: Bytes32,
});
export type CoordinatorIdentity = z.infer<typeof CoordinatorIdentity>;

/** Sent signed by the key it announces; `sealedSecret` is the invitation's secret in a box for the coordinator. */
export const EnrolmentRequest = z.strictObject({
  site: Slug,
  signingKey: Bytes32,
  sealingKey: Bytes32,
  sealedSecret: z.string().max(500),
});
export type EnrolmentRequest = z.infer<typeof EnrolmentRequest>;

export const EnrolmentAnswer = z.strictObject({ site: Slug, status: z.enum(['pending', 'admitted']) });
export type EnrolmentAnswer = z.infer<typeof EnrolmentAnswer>;

const StudyReference = { study: Sha256, name: Slug };

/** What the coordinator wants this site to do next. `idle` with a hint when to ask again. */
export const Work = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('pending-admission'), askAgainSeconds: z.number().min(0.1).max(3600) }),
  z.strictObject({
    kind: z.literal('idle'),
    askAgainSeconds: z.number().min(0.1).max(3600),
    /** Studies that are paused: a piece of work that is in hand for one of them may be finished. */
    mayFinish: z.array(Sha256).max(1000).optional(),
  }),
  /** Fetch the plan (a JSON blob whose plan hash must be `study`), decide on it, read the data, answer ready or decline. */
  z.strictObject({ kind: z.literal('prepare'), ...StudyReference, planBlob: Sha256, deadlineMillis: TimeMillis }),
  z.strictObject({
    kind: z.literal('train'),
    ...StudyReference,
    planBlob: Sha256,
    stage: Slug,
    round: z.int().min(1),
    /** Blob of the stage's weights: little-endian float32 in layout order. */
    model: Sha256,
    /** The finished slice encoder stage's weights, for stages that build on it. */
    sliceEncoder: Sha256.nullable(),
    /** How many sites are invited to the round: it fixes the scale of the update's integers (transfer/update-code.ts). */
    sites: z.int().min(1).max(1000),
    deadlineMillis: TimeMillis,
  }),
  /** The next message of a round's secure-aggregation session. */
  z.strictObject({
    kind: z.literal('secure-session'),
    ...StudyReference,
    planBlob: Sha256,
    stage: Slug,
    round: z.int().min(1),
    attempt: z.int().min(1),
    step: z.enum(PHASES),
    /** The weights that the round's updates were trained from. */
    model: Sha256,
    /** As for `train`. */
    sites: z.int().min(1).max(1000),
    /** With `advertise`, once there are cohorts: every site that is in one. Which one follows (round/cohorts.ts). */
    trained: z.array(Slug).max(1000).optional(),
    deadlineMillis: TimeMillis,
  }),
  z.strictObject({
    kind: z.literal('evaluate'),
    ...StudyReference,
    planBlob: Sha256,
    /** Per stage in plan order: the weights the stage began and ended with. */
    models: z
      .array(z.strictObject({ stage: Slug, initial: Sha256, final: Sha256 }))
      .min(1)
      .max(2),
    deadlineMillis: TimeMillis,
  }),
]);
export type Work = z.infer<typeof Work>;

export const SiteReady = z.strictObject({
  inventory: Inventory,
  quarantine: QuarantineCounts,
  engine: EngineLabel,
});
export type SiteReady = z.infer<typeof SiteReady>;

/** The site will not or cannot take part in this study or round, for example `not-approved` or `update-not-finite`. */
export const Decline = z.strictObject({ reason: ReasonCode });
export type Decline = z.infer<typeof Decline>;

/** Training figures that travel beside an update. */
export const TrainingFigures = z.strictObject({
  /** Mean loss over the local steps; null from sites that train privately and tell none. */
  loss: z.number().finite().nullable(),
  steps: Count,
  /** Samples seen, repeats included. */
  samples: Count,
  seconds: z.number().min(0).max(1e9),
  /** What the plan's `updateNormLimit` did to the update; not there without one. */
  updateNorm: z.enum(['kept', 'scaled', 'zeroed']).optional(),
});
export type TrainingFigures = z.infer<typeof TrainingFigures>;

/** Offers an uploaded, sealed update. The plain text is an update vector (transfer/update-code.ts). */
export const UpdateOffer = z.strictObject({
  /** Blob of the sealed update. */
  blob: Sha256,
  /** The weights it was trained from. */
  model: Sha256,
  /** The layout its numbers are in. */
  layout: Sha256,
  figures: TrainingFigures,
});
export type UpdateOffer = z.infer<typeof UpdateOffer>;

/** A site's message of a secure-aggregation session, and what travels beside it. */
export const SessionOffer = z.strictObject({
  message: SiteMessage,
  /** With `advertise`. */
  figures: TrainingFigures.nullable(),
  /** With `masked-input`: blob of the masked vector, sealed. */
  blob: Sha256.nullable(),
});
export type SessionOffer = z.infer<typeof SessionOffer>;

/** What a site needs for its message of a step: what the sites said in the step before. Nothing for `advertise`. */
export const SessionDocument = z.discriminatedUnion('step', [
  z.strictObject({ step: z.literal('share-keys'), document: KeyBroadcast }),
  z.strictObject({ step: z.literal('masked-input'), document: ShareDelivery }),
  z.strictObject({ step: z.literal('consistency'), document: Survivors }),
  z.strictObject({ step: z.literal('unmask'), document: ConsistencyProof }),
]);
export type SessionDocument = z.infer<typeof SessionDocument>;

/** Blobs of the sums of a round's cohorts, in the order of the cohorts. */
export const CohortSums = z.array(Sha256).min(3).max(333);

/** How a stage's weights came about, round by round: what a site needs to compute them itself. */
export const ModelChain = z.strictObject({
  initial: Sha256,
  links: z
    .array(
      z.strictObject({
        round: z.int().min(1),
        /** How many sites were invited: it fixes the scale of the integers. */
        sites: z.int().min(1).max(1000),
        /** Blob of the sum of the updates: little-endian int32 in the order of an update vector. */
        sum: Sha256,
        /** In studies with cohorts: the same of each cohort that was added; the weights follow from all of them, and `sum` is the first. */
        cohortSums: CohortSums.optional(),
        /** The weights that the sum leads to. */
        model: Sha256,
        /** Hash of the session's messages. */
        transcript: Sha256,
        /** Of a result that did not pass the gate: the weights that the stage went on from instead (model-path.ts). */
        rolledBack: z.strictObject({ to: Sha256, reason: ReasonCode }).optional(),
      }),
    )
    .max(10_000),
  /** Rounds without a sum. Together with the links, every round that is over. */
  skipped: z
    .array(z.strictObject({ round: z.int().min(1), reason: ReasonCode }))
    .max(10_000)
    .optional(),
});
export type ModelChain = z.infer<typeof ModelChain>;

/** Whether a study goes on: a site that keeps something for it keeps it no longer than that. */
export const StudyStanding = z.strictObject({ isOver: z.boolean() });
export type StudyStanding = z.infer<typeof StudyStanding>;

const MeanAndError = z.strictObject({ mean: z.number().min(-1).max(1), standardError: z.number().min(0).max(1) });

export const EvaluationResult = z.strictObject({
  task: Slug,
  protocol: z.enum(['linear-probe', 'few-shot']),
  /** Labelled patients per class for few-shot, null for the linear probe. */
  k: z.int().min(1).nullable(),
  /** `slices`: mean of the slice embeddings; `patient`: the attention-pooled CT embedding of the alignment stage. */
  representation: z.enum(['slices', 'patient']),
  encoder: z.enum(['random', 'federated', 'alone']),
  auc: MeanAndError,
  /** AUC minus the random encoder's on the same patients, with the error of the paired difference; null for `random`. */
  gainOverRandom: MeanAndError.nullable(),
  /** Held-out patients scored. */
  patients: Count,
});
export type EvaluationResult = z.infer<typeof EvaluationResult>;

export const RetrievalResult = z.strictObject({
  pair: z.enum(['ct-clinical', 'ct-expression', 'clinical-expression']),
  encoder: z.enum(['federated', 'alone']),
  recallAt1: z.number().min(0).max(1),
  recallAt5: z.number().min(0).max(1),
  chanceAt1: z.number().min(0).max(1),
  chanceAt5: z.number().min(0).max(1),
  patients: Count,
});
export type RetrievalResult = z.infer<typeof RetrievalResult>;

/**
 * How the gains over random of a site's tasks (linear probe) vary together, because they share patients: what an honest
 * error of their mean needs. Sums over patients; the diagonal holds the squared errors of the gains.
 */
const GainCovariance = z
  .strictObject({
    representation: z.enum(['slices', 'patient']),
    encoder: z.enum(['federated', 'alone']),
    tasks: z.array(Slug).max(20),
    values: z.array(z.array(z.number().min(-1).max(1)).max(20)).max(20),
  })
  .refine(
    ({ tasks, values }) => values.length === tasks.length && values.every((row) => row.length === tasks.length),
    'needs a row and a column for each task',
  );
export type GainCovariance = z.infer<typeof GainCovariance>;

/** One site's evaluation on its own held-out patients: metrics and counts, nothing per patient. */
export const EvaluationReport = z.strictObject({
  results: z.array(EvaluationResult).max(2000),
  retrieval: z.array(RetrievalResult).max(20),
  gainCovariances: z.array(GainCovariance).max(4).optional(),
  /** Tasks that could not be measured here and why (`too-few-patients`, `one-class-only`, `no-label-column`). */
  skipped: z.array(z.strictObject({ task: z.string().max(60), reason: ReasonCode })).max(200),
});
export type EvaluationReport = z.infer<typeof EvaluationReport>;

/** The report as canonical JSON, sealed to the coordinator's key, base64url. */
export const EvaluationOffer = z.strictObject({ sealed: z.string().max(400_000) });
export type EvaluationOffer = z.infer<typeof EvaluationOffer>;

/** For people watching; at most a few a second; never durable. */
export const Progress = z.strictObject({
  study: Sha256,
  activity: z.enum([
    'reading-data',
    'receiving',
    'embedding',
    'training',
    'training-alone',
    'sending',
    'evaluating',
    'waiting',
  ]),
  stage: Slug.nullable(),
  round: z.int().min(1).nullable(),
  done: Count,
  total: Count,
  loss: z.number().finite().nullable(),
  /** Samples (slices or patients) a second. */
  perSecond: z.number().min(0).max(1e9).nullable(),
  /** Bytes this site has sent since it started, all requests counted. */
  bytesSent: z.number().min(0).max(1e18),
});
export type Progress = z.infer<typeof Progress>;

/** Durable: what was acknowledged survives a crash of the coordinator. */
export const Acknowledgement = z.strictObject({ ok: z.literal(true) });
export type Acknowledgement = z.infer<typeof Acknowledgement>;

/** Every refusal on the wire: a stable code for programs, a sentence for people that never repeats the input. */
export const Problem = z.strictObject({
  code: ReasonCode,
  message: z.string().max(1000),
  /** With `sequence-repeated` and `sequence-too-old`: the site's requests are numbered from here on. */
  leastSequence: z
    .int()
    .min(0)
    .max(2 ** 52)
    .optional(),
});
export type Problem = z.infer<typeof Problem>;
