/**
 * `report.json`: everything a study measured, in one file. Metrics and counts only; nothing in it belongs to one patient.
 *
 * Objects that are said to be "by site" have site names as keys. Names and reason codes are what the protocol allows
 * (short, lower case), so nothing personal fits in.
 */
import { Count, ReasonCode, Sha256, Slug } from '@wardround/protocols/names.ts';
import { Inventory } from '@wardround/protocols/session/messages.ts';
import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { z } from 'zod';

const MeanAndError = z.strictObject({ mean: z.number().min(-1).max(1), standardError: z.number().min(0).max(1) });
export type MeanAndError = z.infer<typeof MeanAndError>;

const LeftOut = z.strictObject({ site: Slug, reason: ReasonCode });
const Seconds = z.number().min(0);
const bySite = <Value extends z.ZodType>(value: Value) => z.record(Slug, value);

const Protocol = z.enum(['linear-probe', 'few-shot']);
const Representation = z.enum(['slices', 'patient']);

/** `site:NAME`: the encoder that site trained alone, measured on its own held-out patients. */
const Encoder = z.union([
  z.enum(['random', 'federated']),
  z.string().regex(/^site:[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, 'must be random, federated or site:NAME'),
]);

const Task = {
  task: Slug,
  protocol: Protocol,
  /** Labelled patients per class; null for the linear probe. */
  k: z.int().min(1).nullable(),
  /** `slices`: mean of a patient's slice embeddings; `patient`: the attention-pooled CT embedding. */
  representation: Representation,
};

const Evaluation = z.strictObject({
  ...Task,
  encoder: Encoder,
  auc: MeanAndError,
  /** AUC minus the random encoder's on the same patients; null for `random`. */
  gainOverRandom: MeanAndError.nullable(),
  /** Held-out patients scored, all sites together. */
  patients: Count,
});
export type EvaluationRow = z.infer<typeof Evaluation>;

/** One site's own measurement, before sites are combined. */
const SiteEvaluation = z.strictObject({
  site: Slug,
  ...Task,
  encoder: z.enum(['random', 'federated', 'alone']),
  auc: MeanAndError,
  gainOverRandom: MeanAndError.nullable(),
  patients: Count,
});
export type SiteEvaluationRow = z.infer<typeof SiteEvaluation>;

/** One line of the results table. `alone` is the mean over sites of what each reached by itself. */
const Comparison = z.strictObject({
  ...Task,
  random: MeanAndError.nullable(),
  alone: MeanAndError.nullable(),
  federated: MeanAndError.nullable(),
  gainOverRandom: MeanAndError.nullable(),
  /** Whether the federated gain over random initialisation is larger than two of its standard errors. */
  gainExceedsTwoErrors: z.boolean().nullable(),
  patients: Count,
  /** Sites whose measurement is in this line. */
  sites: z.array(Slug),
});
export type ComparisonRow = z.infer<typeof Comparison>;

/** The mean over tasks, for one protocol and representation. */
const Overall = z.strictObject({
  protocol: Protocol,
  k: z.int().min(1).nullable(),
  representation: Representation,
  tasks: Count,
  random: MeanAndError.nullable(),
  alone: MeanAndError.nullable(),
  federated: MeanAndError.nullable(),
  gainOverRandom: MeanAndError.nullable(),
  gainExceedsTwoErrors: z.boolean().nullable(),
});
export type OverallRow = z.infer<typeof Overall>;

const Rate = z.number().min(0).max(1);
const Retrieval = z.strictObject({
  pair: z.enum(['ct-clinical', 'ct-expression', 'clinical-expression']),
  encoder: Encoder,
  recallAt1: Rate,
  recallAt5: Rate,
  chanceAt1: Rate,
  chanceAt5: Rate,
  patients: Count,
});
export type RetrievalRow = z.infer<typeof Retrieval>;

const Round = z.strictObject({
  round: z.int().min(1),
  /** Sites whose updates are in the sum. */
  participants: z.array(Slug),
  leftOut: z.array(LeftOut),
  /** Mean training loss by site; null for sites that trained privately and tell none. */
  loss: bySite(z.number().nullable()),
  seconds: Seconds,
  /** Seconds each site spent training, by site. */
  trainingSeconds: bySite(Seconds),
  /** Samples each site trained on, repeats included, by site. */
  samples: bySite(Count),
  /** Bytes of the sealed update, by site. */
  bytesSent: bySite(z.int().min(0)),
  /** SHA-256 of the weights after the round. */
  modelHash: Sha256,
  /** Why the round has no result: it was skipped, or ended a failed study; null for one that has. */
  failure: ReasonCode.nullable(),
});
export type ReportRound = z.infer<typeof Round>;

const Stage = z.strictObject({
  name: Slug,
  kind: z.enum(['slice-pretraining', 'alignment']),
  rounds: z.array(Round),
  initialModelHash: Sha256,
  /** Null when the stage did not finish. */
  finalModelHash: Sha256.nullable(),
});
export type ReportStage = z.infer<typeof Stage>;

const LedgerHead = z.strictObject({ records: Count, hash: Sha256 });

export const Report = z.strictObject({
  format: z.literal('wardround-report/1'),
  study: z.strictObject({
    name: Slug,
    description: z.string(),
    /** The plan's hash, which every site approved. */
    hash: Sha256,
    state: z.enum(['running', 'finished', 'failed', 'aborted']),
    failure: ReasonCode.nullable(),
    /** What each site trained on, by site. */
    engine: bySite(z.enum(['cuda', 'native', 'webgpu', 'wasm', 'plain'])),
    engineDescription: bySite(z.string()),
    /** ISO 8601, UTC. */
    launchedAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable(),
    wallSeconds: Seconds.nullable(),
    /** Invited sites that declined the study or never answered. */
    absent: z.array(LeftOut),
  }),
  stages: z.array(Stage),
  /** The federation's rows first (patient-weighted means over sites), then each site alone. */
  evaluation: z.array(Evaluation),
  comparison: z.array(Comparison),
  overall: z.array(Overall),
  evaluationBySite: z.array(SiteEvaluation),
  retrieval: z.array(Retrieval),
  /** Tasks that a site could not measure, and why. */
  skipped: z.array(z.strictObject({ site: Slug, task: z.string(), reason: ReasonCode })),
  evaluationLeftOut: z.array(LeftOut),
  /** By site: reason code -> how many. */
  quarantine: bySite(z.record(ReasonCode, Count)),
  data: bySite(Inventory),
  /** How figures came about: what their errors cover, how sites and tasks were combined. */
  method: z.strictObject({
    errors: z.string(),
    combination: z.string(),
    overall: z.string(),
    fewShotSeeds: z.int().min(1),
    heldOutFraction: z.number(),
  }),
  protection: z.strictObject({
    mode: StudyPlan.shape.protection.shape.mode,
    clip: z.number(),
    minimumPatients: Count,
    /** Over all rounds with a session. */
    secureAggregation: z
      .strictObject({
        /** The fewest sites a session began with. */
        fewestSites: Count,
        /** The fewest sites that would have to act together to open one site's update. */
        lowestThreshold: Count,
        /** Sites that had trained and left before the end of a session that gave a sum. */
        dropOuts: Count,
        /** Sessions that began again because too many sites had left. */
        abortedSessions: Count,
      })
      .optional(),
    /** In studies with differential privacy. */
    privacy: z
      .strictObject({
        delta: z.number().positive().max(1),
        /** What all planned rounds spend of each site's patients. */
        projectedEpsilon: z.number().min(0),
        /** From the rounds that each site said it had trained. A site's own ledger also counts what it trained and never told. */
        spent: z.array(z.strictObject({ site: Slug, stage: Slug, rounds: Count, epsilon: z.number().min(0) })),
      })
      .optional(),
  }),
  /** Heads of all ledgers when the report was made; absent where the coordinator has no log. */
  ledgers: z
    .strictObject({
      coordinatorLog: z.strictObject({ records: Count, root: Sha256, cosignatures: Count }),
      sites: z.array(z.strictObject({ site: Slug, egress: LedgerHead.nullable(), privacy: LedgerHead.nullable() })),
    })
    .optional(),
  versions: z.strictObject({ wardround: z.string(), node: z.string() }),
});
export type Report = z.infer<typeof Report>;
