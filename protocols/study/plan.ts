/**
 * The study plan: everything a consortium agrees on before training, in one file (JSON or YAML), named by its hash.
 *
 * Sites approve the hash; the layouts, the split, the schedule and the protection all follow from the plan, so neither
 * side has to believe what the other says about them.
 */
import { fewestUpdates, ROBUST_RULES, type RobustRule } from '@wardround/shared/aggregation/robust/robust-rule.ts';
import { CODE_BITS, type CodeBits } from '@wardround/shared/bytes/code-words.ts';
import { hashOfJson, type Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { VIT_ARCHITECTURES } from '@wardround/shared/tensors/layouts/vit.ts';
import { z } from 'zod';
import { Slug } from '../names.ts';
import { FEWEST_SITES } from '../secure-aggregation/parameters.ts';

const ColumnName = z.string().min(1).max(200);
const ColumnValue = z.string().min(1).max(200);
const DeadlineSeconds = z
  .number()
  .positive()
  .max(30 * 86_400);

const Imaging = z.strictObject({
  /** Slices are resized to this many pixels a side; a multiple of the encoder's 16-pixel patch. */
  sizePixels: z.int().min(32).max(512).multipleOf(16),
  /** Hounsfield values are clipped to this window and scaled to 0..1. Non-Hounsfield series are scaled by their own range. */
  windowHounsfield: z
    .strictObject({ low: z.number().min(-2000).max(4000), high: z.number().min(-2000).max(4000) })
    .refine(({ low, high }) => low < high, 'low must be below high'),
  /** At most this many slices of a patient are used, evenly spaced over the series. */
  maximumSlicesPerPatient: z.int().min(1).max(2048),
});

const ClinicalField = z.discriminatedUnion('kind', [
  z.strictObject({
    name: Slug,
    kind: z.literal('numeric'),
    /** Column headings that may hold it, first match wins; compared without regard to case or surrounding blanks. */
    columns: z.array(ColumnName).min(1).max(20),
  }),
  z.strictObject({
    name: Slug,
    kind: z.literal('categorical'),
    columns: z.array(ColumnName).min(1).max(20),
    /** Accepted spellings of each category. Anything else counts as missing. */
    categories: z.record(Slug, z.array(ColumnValue).min(1).max(50)),
  }),
]);
export type ClinicalField = z.infer<typeof ClinicalField>;

const Clinical = z.strictObject({
  /**
   * The fields to read, or `auto`: each site uses every column of its own table that is numeric or has few categories.
   * Sites may differ in their columns, because the clinical encoder's first layer stays at the site.
   */
  fields: z.union([z.literal('auto'), z.array(ClinicalField).min(1).max(512)]),
  /** Columns never used as input with `auto` (outcomes, dates). Columns of evaluation tasks are always left out. */
  excludeColumns: z.array(ColumnName).max(1000).default([]),
});

const Expression = z.strictObject({
  /** The gene symbols in the order every site uses. Genes a site lacks are marked as absent. */
  genes: z
    .array(z.string().min(1).max(60))
    .min(1)
    .max(30_000)
    .refine((genes) => new Set(genes).size === genes.length, 'each gene may appear once'),
});

const Width = z.int().min(8).max(4096);

const Encoders = z.strictObject({
  slice: z.strictObject({
    /** timm's vision transformer of that name, with one input channel. */
    architecture: z.enum(VIT_ARCHITECTURES),
    /** Output width of the SimCLR projection head. */
    projectionWidth: Width,
  }),
  /** Gated attention over a patient's slices (MEDFORM): two pre-attention layers of `width`, gates of `attentionWidth`. */
  pooling: z.strictObject({ architecture: z.literal('gated-attention'), width: Width, attentionWidth: Width }),
  clinical: z.strictObject({ architecture: z.literal('mlp'), hiddenWidth: Width }),
  expression: z.strictObject({ architecture: z.literal('mlp'), hiddenWidth: Width }),
});

const AdamW = z.strictObject({
  learningRate: z.number().positive().max(1),
  weightDecay: z.number().min(0).max(1).default(0.01),
  beta1: z.number().min(0).max(0.9999).default(0.9),
  beta2: z.number().min(0).max(0.999999).default(0.999),
  /** Share of the stage's steps over which the rate rises linearly; afterwards it falls to zero along a half cosine. */
  warmUpFraction: z.number().min(0).max(0.9).default(0.1),
  /** Gradients are scaled down to this L2 norm. */
  clipNorm: z.number().positive().max(1e6).default(1),
});

const ServerOptimiser = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fedavg'), learningRate: z.number().positive().max(10).default(1) }),
  z.strictObject({
    kind: z.literal('fedavgm'),
    learningRate: z.number().positive().max(10).default(1),
    momentum: z.number().min(0).max(0.9999).default(0.9),
  }),
  ...(['fedadam', 'fedyogi', 'fedadagrad'] as const).map((kind) =>
    z.strictObject({
      kind: z.literal(kind),
      learningRate: z.number().positive().max(10),
      beta1: z.number().min(0).max(0.9999).default(0.9),
      beta2: z.number().min(0).max(0.999999).default(0.99),
      /** The adaptivity constant of Reddi et al. 2021; v starts at its square. */
      tau: z.number().positive().max(1).default(1e-3),
    }),
  ),
]);

const stageFields = {
  name: Slug,
  rounds: z.int().min(1).max(10_000),
  localEpochs: z.int().min(1).max(1000),
  /** Ends a local round early: small hospitals do all their epochs, large ones at most this many steps. */
  maximumLocalSteps: z.int().min(1).max(1_000_000).optional(),
  /** Slices (pretraining) or patients (alignment) a step. */
  batch: z.int().min(2).max(4096),
  temperature: z.number().positive().max(10),
  optimiser: AdamW,
  server: ServerOptimiser.default({ kind: 'fedavg', learningRate: 1 }),
};

const SlicePretraining = z.strictObject({
  kind: z.literal('slice-pretraining'),
  objective: z.literal('simclr'),
  ...stageFields,
});
const Alignment = z.strictObject({
  kind: z.literal('alignment'),
  /** Symmetric InfoNCE between the patient's CT embedding and each other modality the patient has; the slice encoder is frozen. */
  objective: z.literal('info-nce'),
  /** Width of the shared embedding space. */
  embeddingWidth: Width,
  /** Share of the input values (slice embeddings, table values) dropped at each training step, against learning by heart. */
  inputDropout: z.number().min(0).max(0.9).default(0),
  ...stageFields,
});
export type SlicePretrainingStage = z.infer<typeof SlicePretraining>;
export type AlignmentStage = z.infer<typeof Alignment>;
export type Stage = SlicePretrainingStage | AlignmentStage;

const EvaluationTask = z.strictObject({
  name: Slug,
  /** Clinical columns that may hold the label, first match wins. */
  columns: z.array(ColumnName).min(1).max(20),
  /** Spellings that count as positive and as negative; a patient with any other value takes no part. */
  positive: z.array(ColumnValue).min(1).max(50),
  negative: z.array(ColumnValue).min(1).max(50),
});
export type EvaluationTask = z.infer<typeof EvaluationTask>;

const Evaluation = z.strictObject({
  /** Share of each site's patients that never enter training; drawn by patient, stratified, from the plan's seed. */
  heldOutFraction: z.number().min(0.1).max(0.9),
  tasks: z.array(EvaluationTask).max(20),
  fewShot: z.strictObject({
    /** Labelled patients per class. */
    shots: z.array(z.int().min(1).max(1000)).max(10),
    seeds: z.int().min(1).max(100),
  }),
  /** Results on fewer held-out patients than this do not leave the site. */
  minimumPatients: z.int().min(2).max(10_000).default(10),
  /** Whether each site also trains alone, from the same start and for as many steps, for comparison. */
  trainAlone: z.boolean().default(true),
});

const Participation = z.strictObject({
  /** A round needs this many accepted updates. */
  quorum: z.int().min(1).max(1000),
  /** How long to wait for all invited sites to be ready before starting with the quorum. */
  readyDeadlineSeconds: DeadlineSeconds,
  roundDeadlineSeconds: DeadlineSeconds,
  evaluationDeadlineSeconds: DeadlineSeconds,
  /** How long each step of a secure-aggregation session may take; two minutes where left out. */
  sessionDeadlineSeconds: DeadlineSeconds.optional(),
  /** How long a round waits for the others once the quorum has answered; a quarter of its deadline where left out. */
  graceMinutes: z
    .number()
    .min(0)
    .max(30 * 1440)
    .optional(),
  /** So many rounds without a result one after another end the study; three where left out. */
  maximumSkippedRounds: z.int().min(1).max(1000).optional(),
});

const PatientPrivacy = z.strictObject({
  /** Whom it protects: a patient with all slices. Slice pretraining only; evaluations are not covered. */
  unit: z.literal('patient'),
  /** Standard deviation of the noise divided by the sensitivity, which is twice `clip`. */
  noiseMultiplier: z.number().min(0.1).max(100),
  /** The gradient of a group of patients is scaled down to this L2 norm. */
  clip: z.number().min(1e-6).max(1e6),
  /** Probability with which each patient takes part in a step; one over it is the steps of an epoch. */
  samplingRate: z.number().min(1e-6).max(1),
  /** The sampled patients fall into so many groups, inside of which slices are contrasted. */
  groups: z.int().min(1).max(4096),
  /** At most so many slices of a patient take part in a step. */
  slicesPerPatient: z.int().min(1).max(2048),
  /** The delta at which epsilon is stated. */
  delta: z.number().min(1e-12).max(1e-3),
});
export type PatientPrivacy = z.infer<typeof PatientPrivacy>;

const CentralPrivacy = z.strictObject({
  /**
   * Standard deviation of the noise that is in every sum for certain, divided by the sensitivity, which is twice
   * `updateNormLimit.norm`. Counted on are the honest sites that the quorum guarantees to survive (transfer/central-noise.ts).
   */
  noiseMultiplier: z.number().min(0.1).max(1000),
  /** The delta at which epsilon is stated. */
  delta: z.number().min(1e-12).max(1e-3),
});

const Cohorts = z.strictObject({
  /** Sites of a cohort, at least. Five cohorts of four are advised; with a cohort of three no site may drop out of it. */
  size: z.int().min(FEWEST_SITES).max(500),
  /** What takes the place of the mean, per coordinate, over the cohorts' means. */
  rule: z.enum(['median', 'trimmed-mean']),
  /** With `trimmed-mean`: how many of the smallest and of the largest values are left away; one where left out. */
  trimmed: z.int().min(1).max(250).optional(),
});

const Protection = z.strictObject({
  /**
   * `secure-aggregation`: sites mask their updates so that the coordinator sees nothing but their sum; needs three sites.
   * `sealed`: each update is encrypted to the coordinator's key, which can open it while adding.
   * `plain-robust`: as `sealed`, and the coordinator compares the opened updates by the rule under `robust`. Sites take
   * part only where their own policy names this mode.
   */
  mode: z.enum(['secure-aggregation', 'sealed', 'plain-robust']),
  /** Each coordinate of a site's mean update is clipped to plus or minus this. */
  clip: z.number().min(1e-6).max(100),
  /** Sample counts above this are refused; they bound the fixed-point code. */
  maximumSampleCount: z.int().min(1).max(100_000_000),
  /** With `plain-robust`: what takes the place of the mean, and how many faulty sites it has to withstand. */
  robust: z.strictObject({ rule: z.enum(ROBUST_RULES), faulty: z.int().min(0).max(500) }).optional(),
  /** Each site scales a longer mean update down to this L2 norm before it is coded. Without it only coordinates are clipped. */
  updateNormLimit: z
    .strictObject({
      norm: z.number().min(1e-6).max(1e6),
      /** An update longer than this many times `norm` is no update but an accident: zeros are sent in its place. */
      zeroAboveMultiple: z.number().min(1).max(1e6).default(10),
    })
    .optional(),
  /** A round whose result does not pass is rolled back and the study goes on from the last good model (round/gate.ts). */
  gate: z
    .strictObject({
      /** The norm of the model's change may be this many times the median of the stage's rounds before. */
      normMultiple: z.number().min(1).max(1e6).default(10),
      /** The mean training loss may rise by this share over the round before, at the median site. */
      lossRise: z.number().positive().max(1e6).default(0.5),
      /** One more fails the study. */
      maximumRollbacks: z.int().min(0).max(1000).default(3),
    })
    .optional(),
  /** Sites train under differential privacy (shared/privacy). Every site then counts as `maximumSampleCount` samples and tells no losses. */
  privacy: PatientPrivacy.optional(),
  /**
   * Every site adds its share of noise inside the secure sum, which protects all that a site has (shared/privacy). Needs
   * `updateNormLimit`. Every site then counts as `maximumSampleCount` samples and tells no losses.
   */
  centralPrivacy: CentralPrivacy.optional(),
  /**
   * With secure aggregation: skips a round whose sites differ in one from those of the last sum, once, because the two sums
   * would differ by about that site's update (round/membership-change.ts). Off where left out; of no use with differential privacy.
   */
  stableCohorts: z.boolean().optional(),
  /**
   * With secure aggregation: sites are divided into cohorts, each has a session of its own, and a robust rule is applied to the
   * cohorts' sums (round/cohorts.ts). The coordinator, and every site, then learns the sum of each cohort.
   */
  cohorts: Cohorts.optional(),
  /** Of each number of an update; 32 where left out. 16 halves the bytes, and sites make up for the coarser rounding. */
  codeBits: z.literal(CODE_BITS).optional(),
});

/** What else a plan with central privacy must say, and must not. */
function centralPrivacyFaults(plan: {
  readonly protection: z.infer<typeof Protection>;
  readonly evaluation: z.infer<typeof Evaluation>;
  readonly participation: z.infer<typeof Participation>;
}): { readonly path: string[]; readonly message: string }[] {
  const { protection, evaluation, participation } = plan;
  if (protection.centralPrivacy === undefined) return [];
  return [
    {
      isMet: protection.mode === 'secure-aggregation',
      path: ['protection', 'mode'],
      message: 'must be secure-aggregation with protection.centralPrivacy: each update alone has too little noise',
    },
    {
      isMet: protection.updateNormLimit !== undefined,
      path: ['protection', 'updateNormLimit'],
      message: 'needed with protection.centralPrivacy: the noise is measured by it',
    },
    {
      isMet: protection.privacy === undefined,
      path: ['protection', 'privacy'],
      message: 'cannot stand beside protection.centralPrivacy: choose one of them',
    },
    {
      isMet: !evaluation.trainAlone,
      path: ['evaluation', 'trainAlone'],
      message: 'must be false with protection.centralPrivacy: results of training alone would be charged to no one',
    },
    {
      isMet: participation.quorum >= FEWEST_SITES,
      path: ['participation', 'quorum'],
      message: `must be at least ${FEWEST_SITES} with protection.centralPrivacy: the noise of so many sites is counted on`,
    },
  ].filter(({ isMet }) => !isMet);
}

/** What else a plan with cohorts must say, and must not. */
function cohortFaults({
  protection,
  participation,
}: {
  readonly protection: z.infer<typeof Protection>;
  readonly participation: z.infer<typeof Participation>;
}): { readonly path: string[]; readonly message: string }[] {
  const rule = cohortRule({ protection });
  if (protection.cohorts === undefined || rule === null) return [];
  const sites = fewestUpdates(rule) * protection.cohorts.size;
  return [
    {
      isMet: protection.mode === 'secure-aggregation',
      path: ['protection', 'mode'],
      message: 'must be secure-aggregation with protection.cohorts: other modes have no sums of cohorts',
    },
    {
      isMet: protection.centralPrivacy === undefined,
      path: ['protection', 'centralPrivacy'],
      message:
        'cannot stand beside protection.cohorts: the noise is counted over the whole round, and a cohort has less',
    },
    {
      isMet: protection.cohorts.trimmed === undefined || protection.cohorts.rule === 'trimmed-mean',
      path: ['protection', 'cohorts', 'trimmed'],
      message: 'belongs to the rule trimmed-mean',
    },
    {
      isMet: participation.quorum >= sites,
      path: ['participation', 'quorum'],
      message: `must be at least ${sites} with protection.cohorts: ${rule.kind} needs ${fewestUpdates(rule)} cohorts of ${protection.cohorts.size} sites`,
    },
  ].filter(({ isMet }) => !isMet);
}

export const StudyPlan = z
  .strictObject({
    format: z.literal('wardround-study/1'),
    name: Slug,
    description: z.string().max(2000).default(''),
    /** Seeds starting weights, splits, batches and augmentations. */
    seed: z.int().min(0).max(0xffff_ffff),
    imaging: Imaging,
    clinical: Clinical,
    expression: Expression.optional(),
    encoders: Encoders,
    stages: z
      .array(z.discriminatedUnion('kind', [SlicePretraining, Alignment]))
      .min(1)
      .max(2),
    evaluation: Evaluation,
    participation: Participation,
    protection: Protection,
  })
  .superRefine((plan, context) => {
    if (plan.stages[0]?.kind !== 'slice-pretraining') {
      context.addIssue({ code: 'custom', path: ['stages', 0], message: 'the first stage must be slice-pretraining' });
    }
    if (plan.stages.length === 2 && plan.stages[1]?.kind !== 'alignment') {
      context.addIssue({ code: 'custom', path: ['stages', 1], message: 'the second stage must be alignment' });
    }
    if (new Set(plan.stages.map((stage) => stage.name)).size !== plan.stages.length) {
      context.addIssue({ code: 'custom', path: ['stages'], message: 'stages must have different names' });
    }
    if (new Set(plan.evaluation.tasks.map((task) => task.name)).size !== plan.evaluation.tasks.length) {
      context.addIssue({ code: 'custom', path: ['evaluation', 'tasks'], message: 'tasks must have different names' });
    }
    if (plan.protection.privacy !== undefined) {
      // What would leave without being charged must not be part of the plan.
      if (plan.stages.length > 1) {
        context.addIssue({
          code: 'custom',
          path: ['protection', 'privacy'],
          message: 'covers slice pretraining alone: the plan must have no second stage',
        });
      }
      if (plan.evaluation.trainAlone) {
        context.addIssue({
          code: 'custom',
          path: ['evaluation', 'trainAlone'],
          message: 'must be false with protection.privacy: results of training alone would be charged to no one',
        });
      }
    }
    for (const { path, message } of centralPrivacyFaults(plan)) context.addIssue({ code: 'custom', path, message });
    for (const { path, message } of cohortFaults(plan)) context.addIssue({ code: 'custom', path, message });
    const { mode, robust } = plan.protection;
    if (plan.protection.codeBits === 16 && mode !== 'secure-aggregation' && mode !== 'sealed') {
      context.addIssue({
        code: 'custom',
        path: ['protection', 'codeBits'],
        message: '16 needs the mode secure-aggregation or sealed',
      });
    }
    if ((mode === 'plain-robust') !== (robust !== undefined)) {
      context.addIssue({
        code: 'custom',
        path: ['protection', 'robust'],
        message: 'needed with the mode plain-robust, and with no other',
      });
    }
    if (robust !== undefined) {
      const fewest = fewestUpdates({ kind: robust.rule, faulty: robust.faulty });
      if (plan.participation.quorum < fewest) {
        context.addIssue({
          code: 'custom',
          path: ['participation', 'quorum'],
          message: `${robust.rule} needs ${fewest} updates to withstand ${robust.faulty} faulty ones`,
        });
      }
    }
  });
export type StudyPlan = z.infer<typeof StudyPlan>;

/** What takes the place of the mean over the cohorts' means, and how many faulty cohorts it withstands at least; null without cohorts. */
export function cohortRule({ protection }: { readonly protection: z.infer<typeof Protection> }): RobustRule | null {
  if (protection.cohorts === undefined) return null;
  return { kind: protection.cohorts.rule, faulty: protection.cohorts.trimmed ?? 1 };
}

/** How many bits each number of an update has. */
export function codeBitsOf({ protection }: Pick<StudyPlan, 'protection'>): CodeBits {
  return protection.codeBits ?? 32;
}

/** How long each step of a round's secure-aggregation session may take. */
export function sessionDeadlineSeconds({ participation }: Pick<StudyPlan, 'participation'>): number {
  return participation.sessionDeadlineSeconds ?? 120;
}

/** How long a round waits for the others once the quorum has answered. */
export function graceSeconds({ participation }: Pick<StudyPlan, 'participation'>): number {
  const { graceMinutes, roundDeadlineSeconds } = participation;
  return graceMinutes === undefined ? roundDeadlineSeconds / 4 : graceMinutes * 60;
}

/** So many rounds without a result one after another end the study. */
export function maximumSkippedRounds({ participation }: Pick<StudyPlan, 'participation'>): number {
  return participation.maximumSkippedRounds ?? 3;
}

/** The name of a plan: what sites approve and every message carries. */
export function planHash(plan: StudyPlan): Sha256Hex {
  return hashOfJson('study-plan/1', plan);
}
