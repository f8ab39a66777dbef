/**
 * What has happened in a study, as durable events. The journal of a study is a list of these; its state is their fold
 * (apply-event.ts) and nothing else, so that a coordinator that was killed continues where the last event left it.
 *
 * Every event carries the time at which it was decided: replaying the journal reads no clock.
 */
import { z } from 'zod';
import { Count, ReasonCode, Sha256, Slug, TimeMillis } from '../names.ts';
import { PHASES } from '../secure-aggregation/messages.ts';
import { CohortSums, EvaluationReport, SiteReady, TrainingFigures } from '../session/messages.ts';
import { MOST_ATTEMPTS } from './session-state.ts';

const WindowMillis = z.number().positive().max(2_592_000_000);

const GateRules = z.strictObject({
  normMultiple: z.number().min(1),
  lossRise: z.number().positive(),
  maximumRollbacks: z.int().min(0),
});
export type GateRules = z.infer<typeof GateRules>;

/** What the machine needs to know of the plan; the rest of the plan does not change how rounds run. */
export const StudyRules = z.strictObject({
  quorum: z.int().min(1),
  readyWindowMillis: WindowMillis,
  roundWindowMillis: WindowMillis,
  evaluationWindowMillis: WindowMillis,
  /** With secure aggregation: how long each step of a session may take. */
  sessionWindowMillis: WindowMillis.optional(),
  /** The plan's `protection.gate`. */
  gate: GateRules.optional(),
  /** The plan's `protection.stableCohorts`. */
  stableCohorts: z.boolean().optional(),
  /** The plan's `protection.cohorts`: sites of one at least, and how many the rule needs. */
  cohorts: z.strictObject({ size: z.int().min(3), fewest: z.int().min(3) }).optional(),
  /** How long a round stays open once its quorum has answered; without it until the deadline. */
  graceMillis: z.number().min(0).max(2_592_000_000).optional(),
  /** So many rounds skipped one after another end the study; without it the first does. */
  maximumSkippedRounds: z.int().min(1).max(10_000).optional(),
  stages: z
    .array(
      z.strictObject({
        name: Slug,
        kind: z.enum(['slice-pretraining', 'alignment']),
        rounds: z.int().min(1).max(10_000),
      }),
    )
    .min(1),
});
export type StudyRules = z.infer<typeof StudyRules>;

const at = { atMillis: TimeMillis };
const Sites = z.array(Slug);
/** Index of a stage in the plan's order. */
const StageIndex = z.int().min(0).max(100);
const inRound = { stage: StageIndex, round: z.int().min(1).max(10_000) };
const inSession = { ...inRound, attempt: z.int().min(1).max(MOST_ATTEMPTS), step: z.enum(PHASES) };

export const StudyEvent = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('study-launched'),
    ...at,
    /** The plan's hash. */
    study: Sha256,
    name: Slug,
    planBlob: Sha256,
    rules: StudyRules,
    /** The sites admitted at the launch. */
    sites: Sites,
    deadlineMillis: TimeMillis,
  }),
  /** A site admitted after the launch. */
  z.strictObject({ kind: z.literal('site-invited'), ...at, site: Slug }),
  /** The site has read its data and will take part. A later one replaces an earlier one. */
  z.strictObject({ kind: z.literal('site-ready'), ...at, site: Slug, ready: SiteReady }),
  /** The site will not take part, or no longer. It may change its mind by becoming ready. */
  z.strictObject({ kind: z.literal('site-declined'), ...at, site: Slug, reason: ReasonCode }),
  /** The wait for sites is over. Sites that answer later join from the next round. */
  z.strictObject({ kind: z.literal('study-started'), ...at }),
  z.strictObject({
    kind: z.literal('stage-started'),
    ...at,
    stage: StageIndex,
    /** Hash of the parameter layout and blob of the starting weights. */
    layout: Sha256,
    model: Sha256,
  }),
  z.strictObject({
    kind: z.literal('round-opened'),
    ...at,
    ...inRound,
    model: Sha256,
    /** The invited sites, sorted; their number is part of the update's fixed-point code. */
    sites: Sites.min(1),
    deadlineMillis: TimeMillis,
  }),
  z.strictObject({
    kind: z.literal('update-accepted'),
    ...at,
    ...inRound,
    site: Slug,
    /** The sealed update; kept until the round is committed. */
    blob: Sha256,
    figures: TrainingFigures,
    /** Size of the sealed update. */
    bytes: z.int().min(0),
  }),
  z.strictObject({ kind: z.literal('site-left-out'), ...at, ...inRound, site: Slug, reason: ReasonCode }),
  /** An offer that was refused in the open round: the reason named if nothing better arrives, and evidence. */
  z.strictObject({
    kind: z.literal('offer-refused'),
    ...at,
    ...inRound,
    site: Slug,
    reason: ReasonCode,
    /** The round that the offer named, if it is another one. */
    offered: z.strictObject(inRound).optional(),
  }),
  /** Enough sites have answered for the round to count: the others have until the end of the grace. */
  z.strictObject({ kind: z.literal('quorum-reached'), ...at, ...inRound, deadlineMillis: TimeMillis }),
  /** The step's message of one site was accepted. */
  z.strictObject({
    kind: z.literal('session-message'),
    ...at,
    ...inSession,
    site: Slug,
    /** Hash of the signed message, which is kept until the round is committed. */
    body: Sha256,
    /** With the first `advertise` of a round. */
    figures: TrainingFigures.nullable(),
    /** With `masked-input`: the sealed vector. */
    vector: z.strictObject({ blob: Sha256, bytes: z.int().min(0) }).nullable(),
  }),
  /** A site sent a second, different message where one was due: kept as evidence, the first one stands. */
  z.strictObject({ kind: z.literal('session-conflict'), ...at, ...inSession, site: Slug, body: Sha256 }),
  z.strictObject({
    kind: z.literal('session-step-opened'),
    ...at,
    ...inSession,
    /** Who is asked: for all but `advertise`, the survivors of the step before. */
    sites: Sites.min(1),
    /** With `advertise`, in studies with cohorts: the sites of each. */
    cohorts: z.array(Sites.min(1)).optional(),
    deadlineMillis: TimeMillis,
  }),
  z.strictObject({
    kind: z.literal('session-aborted'),
    ...at,
    ...inSession,
    reason: ReasonCode,
    /** No other attempt follows: what was said stays as evidence. */
    last: z.literal(true).optional(),
  }),
  /** No more updates: the accepted ones are the aggregate. */
  z.strictObject({ kind: z.literal('round-closed'), ...at, ...inRound }),
  z.strictObject({
    kind: z.literal('round-committed'),
    ...at,
    ...inRound,
    /** The sites whose updates were added, sorted. */
    participants: Sites,
    model: Sha256,
    /** State of the server optimiser after this round, for those that have one. */
    optimiserState: Sha256.nullable(),
    /** With secure aggregation: the published sum of the updates, and the hash of the session's messages. */
    sum: Sha256.optional(),
    transcript: Sha256.optional(),
    /** With cohorts: the sum of each that was added; `sum` is then the first of them. */
    cohortSums: CohortSums.optional(),
    /** With a gate: L2 norm of the model's change. */
    updateNorm: z.number().min(0).optional(),
  }),
  /** The result did not pass the gate: the study goes on from an earlier model. */
  z.strictObject({
    kind: z.literal('round-rolled-back'),
    ...at,
    ...inRound,
    reason: ReasonCode,
    /** What the round would have led to. */
    rejectedModel: Sha256,
    /** What the study goes on from. */
    model: Sha256,
    optimiserState: Sha256.nullable(),
    /** As for `round-committed`: sites see what was rejected. */
    sum: Sha256.optional(),
    transcript: Sha256.optional(),
    cohortSums: CohortSums.optional(),
  }),
  /** The round has no result and is never attempted again: the study goes on from the same weights. */
  z.strictObject({
    kind: z.literal('round-skipped'),
    ...at,
    ...inRound,
    reason: ReasonCode,
    /** Hash of the session's messages, where it was unmasked and its sum was of no use. */
    transcript: Sha256.optional(),
  }),
  z.strictObject({ kind: z.literal('round-failed'), ...at, ...inRound, reason: ReasonCode }),
  /** After a restart: sites that could not reach the coordinator get their chance. */
  z.strictObject({ kind: z.literal('deadline-extended'), ...at, deadlineMillis: TimeMillis }),
  /** No work is given and deadlines stand still; what sites have in hand is taken. */
  z.strictObject({ kind: z.literal('study-paused'), ...at }),
  z.strictObject({
    kind: z.literal('study-resumed'),
    ...at,
    /** With what was left of its time at the pause; null for a phase without a deadline. */
    deadlineMillis: TimeMillis.nullable(),
  }),
  z.strictObject({ kind: z.literal('evaluation-opened'), ...at, sites: Sites, deadlineMillis: TimeMillis }),
  z.strictObject({ kind: z.literal('evaluation-received'), ...at, site: Slug, report: EvaluationReport, bytes: Count }),
  z.strictObject({
    kind: z.literal('evaluation-closed'),
    ...at,
    missing: z.array(z.strictObject({ site: Slug, reason: ReasonCode })),
  }),
  z.strictObject({ kind: z.literal('study-finished'), ...at }),
  z.strictObject({ kind: z.literal('study-failed'), ...at, reason: ReasonCode }),
  z.strictObject({ kind: z.literal('study-aborted'), ...at }),
]);
export type StudyEvent = z.infer<typeof StudyEvent>;
