/** Does one piece of work from its beginning (the plan) to its end (the coordinator has the answer, or a reason why there is none). */
import { codeBitsOf, type StudyPlan } from '@wardround/protocols/study/plan.ts';
import { stageLayout } from '@wardround/protocols/study/stage-layout.ts';
import { evaluationContext, updateContext } from '@wardround/protocols/transfer/envelope-contexts.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { failpoint } from '@wardround/shared/failpoints/failpoint.ts';
import { pruneBlobs } from '../../link/download-blob.ts';
import type { SiteLink } from '../../link/site-link.ts';
import type { SiteLog } from '../../log/site-log.ts';
import type { ApprovalRule } from '../../policy/approvals.ts';
import { chargeRound } from '../../policy/charge-round.ts';
import { planSummary } from '../../policy/plan-summary.ts';
import { PolicyRefusedError } from '../../policy/require-floors.ts';
import { DamagedPolicyError, readPolicy } from '../../policy/site-policy.ts';
import { spentBefore } from '../../policy/spent-before.ts';
import { readLocalLayers, writeLocalLayers } from '../../state/kept-local-layers.ts';
import { dropPlace } from '../../state/kept-place.ts';
import { acknowledgeResidual, proposeResidual, settleResidual } from '../../state/kept-residual.ts';
import { readKeptSession, vectorFile } from '../../state/kept-session.ts';
import { dropUpdate, type KeptUpdate, keepUpdate, readKeptUpdate } from '../../state/kept-update.ts';
import { keepOfferedStudy } from '../../state/offered-studies.ts';
import { outboxFile, outboxFolder } from '../../state/outbox.ts';
import type { StatusBoard } from '../../state/site-status.ts';
import { DamagedStateError } from '../../state/state-file.ts';
import { DeclineError } from '../decline-error.ts';
import { followModelChain, requireInitialModel } from '../session/follow-model-chain.ts';
import { hasTrained, keepTraining } from '../session/kept-training.ts';
import { performSessionStep, type SessionContext } from '../session/perform-session-step.ts';
import { type Trainer, TrainingFailedError } from '../trainer.ts';
import type { ModelFile, TaskProgress } from '../worker-messages.ts';
import { awaitApproval } from './await-approval.ts';
import { awaitTrainingHours } from './await-training-hours.ts';
import { forgetRounds } from './forget-rounds.ts';
import { APPROVAL_REVOKED, isTraining, requirePermission, underPermission } from './permission.ts';
import { fetchPlan } from './study-plan-blob.ts';
import { transferProgress } from './transfer-progress.ts';
import type { Assignment } from './work-loop.ts';

export interface SiteContext {
  /** The site's folder. */
  readonly folder: string;
  readonly blobFolder: string;
  readonly site: string;
  /** The coordinator's X25519 key, base64url. */
  readonly sealingKey: string;
  /** This site's ed25519 private key. */
  readonly signingSeed: Uint8Array;
  readonly link: SiteLink;
  readonly trainer: Trainer;
  readonly approvalRule: ApprovalRule;
  readonly status: StatusBoard;
  readonly log: SiteLog;
  /** Studies that were introduced in the log already. */
  readonly introduced: Set<Sha256Hex>;
  readonly layoutOf?: SessionContext['layoutOf'];
}

type Kind<Name extends Assignment['kind']> = Extract<Assignment, { kind: Name }>;

interface Piece<Work extends Assignment> {
  readonly work: Work;
  readonly plan: StudyPlan;
  readonly signal: AbortSignal;
}

/**
 * @throws what the link throws when the coordinator refuses or cannot be understood, and the signal's reason when it aborts.
 *   A site that cannot do the work says so to the coordinator, by a reason code, and does not throw.
 */
export async function performAssignment(work: Assignment, context: SiteContext, signal: AbortSignal): Promise<void> {
  context.status.update({ study: { hash: work.study, name: work.name } });
  try {
    const plan = await fetchPlan(context.link, work, signal);
    await introduce({ work, plan, signal }, context);
    // A training forgets once it has seen what became of the rounds before it.
    if (work.kind !== 'train') await forgetRounds(context.folder, work.study, 'round' in work ? work : null);
    await requirePermission({ work, plan }, context.folder);
    await awaitApproval(work.study, {
      folder: context.folder,
      rule: context.approvalRule,
      signal,
      onWaiting: () => sayWaiting(work, context),
    });
    context.status.update({ waitingForApproval: null });
    if (isTraining(work)) {
      await awaitTrainingHours({
        ...context,
        // Training hours are by this machine's clock, and deadlines by the coordinator's.
        deadlineMillis: work.deadlineMillis + (Date.now() - context.link.coordinatorMillis()),
        signal,
        onWaiting: () => sayResting(work, context),
      });
    }
    await underPermission({ work, plan }, { folder: context.folder, signal }, async (permitted) => {
      if (work.kind === 'prepare') await prepare({ work, plan, signal: permitted }, context);
      else if (work.kind === 'train') await train({ work, plan, signal: permitted }, context);
      else if (work.kind === 'evaluate') await evaluate({ work, plan, signal: permitted }, context);
      else
        await performSessionStep({ work, plan, signal: permitted, onProgress: reporter({ work }, context) }, context);
    });
  } catch (error) {
    signal.throwIfAborted();
    const reason = reasonOf(error, work, context.link.coordinatorMillis());
    if (reason === null) throw error;
    context.log.warn({ study: work.study, reason, error }, 'This site sits out');
    await decline(work, { reason, signal }, context);
  } finally {
    context.status.update({ waitingForApproval: null, progress: null, bytesSent: context.link.bytesSent() });
  }
}

/**
 * The code by which the coordinator learns why this site cannot do the work; null for errors that are not about the work.
 *
 * Whoever declines a study is not asked again. What a person at the site can put right (a folder that is not mounted, a
 * full disk) is therefore no reason before the time to prepare is over: the work is given again until then.
 */
function reasonOf(error: unknown, { kind, deadlineMillis }: Assignment, nowMillis: number): string | null {
  if (error instanceof DeclineError || error instanceof PolicyRefusedError) return error.reason;
  if (kind === 'prepare' && nowMillis < deadlineMillis) return null;
  if (error instanceof TrainingFailedError) return FAILURES[kind];
  if (error instanceof DamagedPolicyError) return 'policy-damaged';
  if (error instanceof DamagedStateError) return 'site-state-damaged';
  if ((error as NodeJS.ErrnoException)?.code === 'ENOSPC') return 'site-disk-full';
  return null;
}

const FAILURES: Readonly<Record<Assignment['kind'], string>> = {
  prepare: 'preparation-failed',
  train: 'training-failed',
  'secure-session': 'session-failed',
  evaluate: 'evaluation-failed',
};

async function decline(
  work: Assignment,
  { reason, signal }: { reason: string; signal: AbortSignal },
  { folder, link }: SiteContext,
): Promise<void> {
  if ((work.kind === 'train' || work.kind === 'secure-session') && reason !== APPROVAL_REVOKED) {
    await link.declineRound(work, { reason }, signal);
    await dropPlace(folder, work);
  } else {
    await link.declineStudy(work.study, { reason }, signal);
    // Whoever has left a study is not asked again.
    await forgetRounds(folder, work.study, null);
  }
}

async function introduce({ work, plan }: Piece<Assignment>, { folder, introduced, log }: SiteContext): Promise<void> {
  if (introduced.has(work.study)) return;
  introduced.add(work.study);
  await keepOfferedStudy(folder, { study: work.study, plan, nowMillis: Date.now() });
  const policy = await readPolicy(folder);
  log.info(
    {
      study: work.study,
      name: plan.name,
      summary: planSummary(plan, { policy, ...(await spentBefore(plan, folder)) }),
    },
    'The coordinator offers a study',
  );
}

function sayWaiting({ study, name }: Assignment, { status, log, link }: SiteContext): void {
  status.update({ waitingForApproval: study });
  showWaiting(study, link);
  log.warn(
    { study, name },
    `The study waits for approval at this site. Read it with "wardround-site study show ${study}" and approve it with "wardround-site study approve ${study}"`,
  );
}

function sayResting({ study, name }: Assignment, { log, link }: SiteContext): void {
  showWaiting(study, link);
  log.info({ study, name }, 'The work waits for the training hours of this site’s policy');
}

function showWaiting(study: Sha256Hex, link: SiteLink): void {
  link.progress({
    study,
    activity: 'waiting',
    stage: null,
    round: null,
    done: 0,
    total: 0,
    loss: null,
    perSecond: null,
  });
}

/** Tells people how far the work is: the coordinator's, over the link, and this site's, in its status. */
function reporter(
  { work }: { readonly work: { readonly study: Sha256Hex } },
  { link, status }: SiteContext,
): (progress: TaskProgress) => void {
  return (progress) => {
    link.progress({ study: work.study, ...progress });
    status.update({ progress, bytesSent: link.bytesSent() });
  };
}

async function prepare(piece: Piece<Kind<'prepare'>>, context: SiteContext): Promise<void> {
  const { work, plan, signal } = piece;
  const { trainer, link, status, log } = context;
  const { ready, engine, notes } = await trainer.run(
    { kind: 'prepare', plan },
    { signal, onProgress: reporter(piece, context) },
  );
  for (const note of engine.notes) log.info({ engine: engine.kind }, note);
  for (const note of notes) log.info({ study: work.study }, note);
  status.update({ engine: ready.engine, inventory: ready.inventory, quarantine: ready.quarantine });
  await link.ready(work.study, ready, signal);
  failpoint('ready', 'after-ack');
  log.info(
    { study: work.study, engine: ready.engine, inventory: ready.inventory, quarantine: ready.quarantine },
    'Ready: the data are read',
  );
}

/** The weights that the coordinator names; with secure aggregation computed here, so that they can be no others. */
function fetchModel(
  piece: Piece<Assignment>,
  model: { readonly hash: Sha256Hex; readonly stage: string },
  context: SiteContext,
): Promise<ModelFile> {
  const { work, plan, signal } = piece;
  if (!isMasked(plan)) return downloadModel(piece, model, context);
  return followModelChain({ study: work.study, plan, stage: model.stage, model: model.hash }, { ...context, signal });
}

/** The weights that a stage began with. */
async function fetchInitialModel(
  piece: Piece<Assignment>,
  model: { readonly hash: Sha256Hex; readonly stage: string },
  context: SiteContext,
): Promise<ModelFile> {
  const { work, plan } = piece;
  if (isMasked(plan)) await requireInitialModel({ study: work.study, ...model }, context.folder);
  return downloadModel(piece, model, context);
}

async function downloadModel(
  { work, plan, signal }: Piece<Assignment>,
  { hash, stage }: { hash: Sha256Hex; stage: string },
  context: SiteContext,
): Promise<ModelFile> {
  const planned = plan.stages.find((candidate) => candidate.name === stage);
  if (planned === undefined) {
    throw new DeclineError(
      'unknown-stage',
      `Cannot ${work.kind}: the plan has no stage of the name that was asked for.`,
    );
  }
  const maximumBytes = 4 * (context.layoutOf ?? stageLayout)(plan, planned).size;
  const round = 'round' in work ? work.round : null;
  const receiving = { activity: 'receiving', stage, round, total: maximumBytes } as const;
  const onProgress = transferProgress(reporter({ work }, context), receiving);
  return { hash, file: await context.link.download(hash, { maximumBytes, signal, onProgress }) };
}

async function train(piece: Piece<Kind<'train'>>, context: SiteContext): Promise<void> {
  const { work, plan, signal } = piece;
  const { folder, blobFolder, site, sealingKey, trainer, log } = context;
  const { study, stage, round, sites } = work;
  const kind = plan.stages.find((candidate) => candidate.name === stage)?.kind;
  if (isMasked(plan) && (await hasTrained(folder, work))) return advertiseTraining(piece, context);
  const kept = isMasked(plan) ? null : await readKeptUpdate(folder, work);
  if (kept !== null && isUpdateOf(piece, kept, context)) return sendUpdate(piece, kept, context);
  const model = await fetchModel(piece, { hash: work.model, stage }, context);
  const sliceEncoder =
    work.sliceEncoder === null || kind === 'slice-pretraining'
      ? null
      : await fetchModel(piece, { hash: work.sliceEncoder, stage: plan.stages[0]!.name }, context);
  await pruneBlobs(blobFolder, new Set([work.planBlob, work.model, work.sliceEncoder ?? work.model]));
  const local = kind === 'alignment' ? await readLocalLayers(folder, { study, stage, beforeRound: round }) : null;
  const onProgress = reporter(piece, context);
  const residuals = codeBitsOf(plan) === 16 ? await residualsOf(work, context) : undefined;
  await forgetRounds(folder, study, work);
  const trained = await trainer.run(
    {
      kind: 'train',
      plan,
      stage,
      round,
      sites,
      model,
      sliceEncoder,
      local,
      sealing: {
        recipientSealingKey: sealingKey,
        context: updateContext({ study, stage, round, site, model: work.model }),
      },
      outbox: outboxFolder(folder),
      placeFolder: folder,
      keepVector: isMasked(plan) ? await vectorFile(folder, work) : undefined,
      residuals,
    },
    { signal, onProgress },
  );
  const { figures, clippedCoordinates, cappedGroups } = trained;
  const charged = { release: trained.blob.hash, steps: figures.steps, plan, policy: await readPolicy(folder) };
  // Before anything of it is told, the kept training included: what is kept is sent after a restart.
  const epsilon = await chargeRound(folder, { study, stage, round, ...charged });
  log.info({ study, stage, round, figures, clippedCoordinates }, 'Trained');
  if (cappedGroups.length > 0) {
    log.warn(
      { study, stage, groups: cappedGroups },
      'This site has more samples than the plan lets count; they count as its maximum',
    );
  }
  if (trained.residual !== undefined) await proposeResidual(folder, { ...work, residual: trained.residual });
  if (trained.local !== null) await writeLocalLayers(folder, { study, stage, round, layers: trained.local });

  if (isMasked(plan)) {
    failpoint('train', 'before-journal');
    await keepTraining(folder, { ...work, figures, epsilon });
    failpoint('train', 'after-journal');
    await dropPlace(folder, work);
    await advertiseTraining(piece, context);
    failpoint('train', 'after-ack');
    return;
  }

  const sealed = { blob: trained.blob.hash, bytes: trained.bytes, layout: trained.layout, figures, epsilon };
  const update: KeptUpdate = {
    format: 'wardround-site-update/1',
    ...{ study, stage, round, model: work.model, sites, sealingKey },
    ...sealed,
    hasResidual: trained.residual !== undefined,
  };
  failpoint('train', 'before-journal');
  await keepUpdate(folder, update);
  failpoint('train', 'after-journal');
  await dropPlace(folder, work);
  await sendUpdate(piece, update, context);
  failpoint('train', 'after-ack');
}

/** Whether it is what this piece of work asks for: an update that waits to be sent is sent, and nothing is trained again. */
function isUpdateOf({ work }: Piece<Kind<'train'>>, kept: KeptUpdate, { sealingKey }: SiteContext): boolean {
  const { round, model, sites } = work;
  return kept.round === round && kept.model === model && kept.sites === sites && kept.sealingKey === sealingKey;
}

async function sendUpdate(piece: Piece<Kind<'train'>>, update: KeptUpdate, context: SiteContext): Promise<void> {
  const { work, signal } = piece;
  const { folder, link, log } = context;
  const { study, stage, round, blob, bytes, layout, figures, epsilon } = update;
  const onProgress = reporter(piece, context);
  const sending = { activity: 'sending', stage, round, loss: figures.loss, perSecond: null } as const;
  onProgress({ ...sending, done: 0, total: bytes });
  const { bandwidthBytesPerSecond: bytesPerSecond } = await readPolicy(folder);
  const file = outboxFile(folder, blob);
  const upload = { hash: blob, file, bytes, round: { study, stage, round }, epsilon, bytesPerSecond };
  await link.upload({ ...upload, onProgress: transferProgress(onProgress, { ...sending, total: bytes }) }, signal);
  await link.offerUpdate({ study, stage, round }, { blob, model: update.model, layout, figures }, signal);
  if (update.hasResidual) await acknowledgeResidual(folder, work);
  onProgress({ ...sending, done: bytes, total: bytes });
  await dropUpdate(folder, update);
  log.info({ study, stage, round, bytes }, 'The coordinator has the sealed update');
}

/** What earlier updates of the stage left out; masked ones were taken up where this site was named among the survivors. */
function residualsOf(work: Kind<'train'>, { folder }: SiteContext) {
  return settleResidual(folder, work, {
    async isTakenUp({ round }) {
      const kept = await readKeptSession(folder, work);
      return kept?.round === round && (kept.party?.phase === 'consistent' || kept.party?.phase === 'revealed');
    },
  });
}

/** The first message of the round's session says that this site has trained. */
function advertiseTraining({ work, plan, signal }: Piece<Kind<'train'>>, context: SiteContext): Promise<void> {
  const advertise = { ...work, attempt: 1, step: 'advertise' } as const;
  return performSessionStep({ work: advertise, plan, signal }, context);
}

/** Whether updates leave this site only in sums. */
function isMasked({ protection }: StudyPlan): boolean {
  return protection.mode === 'secure-aggregation';
}

async function evaluate(piece: Piece<Kind<'evaluate'>>, context: SiteContext): Promise<void> {
  const { work, plan, signal } = piece;
  const { folder, blobFolder, site, sealingKey, link, trainer, log } = context;
  const { study } = work;
  const models = [];
  for (const { stage, initial, final } of work.models) {
    const last = await fetchModel(piece, { hash: final, stage }, context);
    models.push({ stage, initial: await fetchInitialModel(piece, { hash: initial, stage }, context), final: last });
  }
  const needed = models.flatMap(({ initial, final }) => [initial.hash, final.hash]);
  await pruneBlobs(blobFolder, new Set([work.planBlob, ...needed]));
  const alignment = plan.stages.find((stage) => stage.kind === 'alignment');
  const local =
    alignment === undefined
      ? null
      : await readLocalLayers(folder, { study, stage: alignment.name, beforeRound: Number.POSITIVE_INFINITY });
  const { sealed, results, skipped } = await trainer.run(
    {
      kind: 'evaluate',
      plan,
      models,
      local,
      sealing: { recipientSealingKey: sealingKey, context: evaluationContext({ study, site }) },
    },
    { signal, onProgress: reporter(piece, context) },
  );
  await link.offerEvaluation(study, { sealed }, signal);
  log.info({ study, results, skipped }, 'The coordinator has the sealed evaluation');
}
