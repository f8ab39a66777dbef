/** The training thread: holds the cohort and the engine between tasks, and obeys a stop between two steps. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { TrainingFigures } from '@wardround/protocols/session/messages.ts';
import { planHash, type Stage, type StudyPlan } from '@wardround/protocols/study/plan.ts';
import { stageLayout, stageUpdateCode } from '@wardround/protocols/study/stage-layout.ts';
import { encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { float32FromBytes } from '@wardround/shared/bytes/little-endian.ts';
import { seal } from '@wardround/shared/crypto/sealed-envelope.ts';
import { type Engine, openEngine } from '@wardround/shared/learning/engine/open-engine.ts';
import { layoutHash } from '@wardround/shared/tensors/layout.ts';
import type { Cohort } from '../data/cohort.ts';
import { cohortFingerprint } from '../data/cohort-fingerprint.ts';
import { readCohort } from '../data/read-cohort.ts';
import { safeError } from '../log/safe-error.ts';
import { writeFileAtomically } from '../state/atomic-file.ts';
import { keepPlace, type PlacedTraining, readPlace } from '../state/kept-place.ts';
import { readResidual, writeResidual } from '../state/kept-residual.ts';
import { type AlignmentTraining, alignModalities } from './align-modalities.ts';
import { DeclineError } from './decline-error.ts';
import { embedCohort } from './embed-cohort.ts';
import { evaluateSite } from './evaluation/evaluate-site.ts';
import { fittingLocalLayers, initialLocalLayers, type LocalLayers, localLayersHash } from './local-layers.ts';
import { createPlaceKeeper, DEFAULT_PLACE_INTERVAL, type PlaceKeeper } from './place-keeper.ts';
import { pretrainSlices } from './pretrain-slices.ts';
import type { RoundTraining } from './round-training.ts';
import { advanceModel } from './session/advance-model.ts';
import { maskVector } from './session/mask-vector.ts';
import type { StepReport } from './steering.ts';
import { throttle } from './throttle.ts';
import { updateFromWeights } from './update-from-weights.ts';
import type {
  Evaluated,
  EvaluateTask,
  FromWorker,
  ModelFile,
  Prepared,
  PrepareTask,
  Task,
  TaskProgress,
  TaskResults,
  ToWorker,
  Trained,
  TrainTask,
  WorkerSettings,
} from './worker-messages.ts';

const PROGRESS_INTERVAL_MILLIS = 250;

const settings = workerData as WorkerSettings;
const port = parentPort!;

interface Watch {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TaskProgress) => void;
}

let engine: Promise<Engine> | null = null;
let cohort: { readonly study: Sha256Hex; readonly value: Cohort } | null = null;
/** The embeddings of the slice encoder used last: the same one serves all rounds of an alignment. */
let embedded: { readonly study: Sha256Hex; readonly model: Sha256Hex; readonly values: Float32Array } | null = null;

function openedEngine(): Promise<Engine> {
  engine ??= openEngine({
    ...(settings.engines === null ? {} : { prefer: settings.engines }),
    threads: settings.threads,
  });
  return engine;
}

async function cohortOf(plan: StudyPlan, { signal, onProgress }: Watch): Promise<Cohort> {
  const study = planHash(plan);
  if (cohort?.study === study) return cohort.value;
  cohort = null;
  const value = await readCohort({
    directory: settings.dataDirectory,
    plan,
    cacheDirectory: settings.cacheDirectory,
    signal,
    onProgress: ({ done, total }) =>
      onProgress({ activity: 'reading-data', stage: null, round: null, done, total, loss: null, perSecond: null }),
  });
  cohort = { study, value };
  return value;
}

/** The model's numbers, if they have the number of weights that the plan asks for and all are finite. */
async function readWeights({ file }: ModelFile, expected: number): Promise<Float32Array> {
  const weights = float32FromBytes(await readFile(file));
  if (weights.length !== expected) {
    throw new DeclineError(
      'model-wrong-length',
      `Cannot use the model: the plan's layout has ${expected} weights, the coordinator sent ${weights.length}.`,
    );
  }
  if (!weights.every(Number.isFinite)) {
    throw new DeclineError('model-not-finite', 'Cannot use the model: some of its weights are not finite numbers.');
  }
  return weights;
}

function stageOf(plan: StudyPlan, name: string): Stage {
  const stage = plan.stages.find((candidate) => candidate.name === name);
  if (stage === undefined) throw new DeclineError('unknown-stage', 'Cannot train: the plan has no stage of that name.');
  return stage;
}

function watchSteps(progress: Pick<TaskProgress, 'activity' | 'stage' | 'round'>, { signal, onProgress }: Watch) {
  return { signal, onProgress: (report: StepReport) => onProgress({ ...progress, ...report }) };
}

async function sliceEmbeddings(
  { opened, value }: { opened: Engine; value: Cohort },
  { plan, model, stage, round }: { plan: StudyPlan; model: ModelFile; stage: string; round: number | null },
  watch: Watch,
): Promise<Float32Array> {
  const study = planHash(plan);
  if (embedded?.study === study && embedded.model === model.hash) return embedded.values;
  const parameters = await readWeights(model, stageLayout(plan, plan.stages[0]!).size);
  const values = await embedCohort(
    { engine: opened, cohort: value },
    { plan, parameters },
    watchSteps({ activity: 'embedding', stage, round }, watch),
  );
  embedded = { study, model: model.hash, values };
  return values;
}

async function prepare({ plan }: PrepareTask, watch: Watch): Promise<Prepared> {
  const value = await cohortOf(plan, watch);
  const { kind, description, notes } = await openedEngine();
  const label = { kind, description: description.slice(0, 120) };
  return {
    ready: { inventory: value.inventory, quarantine: value.quarantine, engine: label },
    engine: { ...label, notes: [...notes] },
    notes: value.notes,
  };
}

async function trainStage(
  task: TrainTask,
  { stage, weights }: { stage: Stage; weights: Float32Array },
  watch: Watch,
): Promise<RoundTraining | AlignmentTraining> {
  const { plan, round } = task;
  const value = await cohortOf(plan, watch);
  const opened = await openedEngine();
  const sides = { engine: opened, cohort: value };
  const steering = watchSteps({ activity: 'training', stage: stage.name, round }, watch);
  if (stage.kind === 'slice-pretraining') {
    const place = await placeOf(task, { cohort: value, local: null });
    return pretrainSlices(sides, { plan, stage, round, weights }, { ...steering, place });
  }
  if (task.sliceEncoder === null) {
    throw new DeclineError(
      'no-slice-encoder',
      'Cannot align: the coordinator did not name the finished slice encoder.',
    );
  }
  const embeddings = await sliceEmbeddings(
    { opened, value },
    { plan, model: task.sliceEncoder, stage: stage.name, round },
    watch,
  );
  const local = fittingLocalLayers(task.local, initialLocalLayers({ plan, stage }, value));
  const place = await placeOf(task, { cohort: value, local });
  const start = { plan, stage, round, weights, local, sliceEmbeddings: embeddings };
  return alignModalities(sides, start, { ...steering, place });
}

/** Finds and keeps the training's place, where the task says in which folder. */
async function placeOf(
  { plan, stage, round, model, sliceEncoder, placeFolder }: TrainTask,
  { cohort: data, local }: { cohort: Cohort; local: LocalLayers | null },
): Promise<PlaceKeeper | undefined> {
  if (placeFolder === undefined) return undefined;
  const training: PlacedTraining = {
    study: planHash(plan),
    stage,
    round,
    model: model.hash,
    sliceEncoder: sliceEncoder?.hash ?? null,
    local: local && localLayersHash(local),
    data: await cohortFingerprint(data),
  };
  return createPlaceKeeper(await readPlace(placeFolder, training), {
    ...(settings.placeInterval ?? DEFAULT_PLACE_INTERVAL),
    keep: (place) => keepPlace(placeFolder, training, place),
  });
}

async function train(task: TrainTask, watched: Watch): Promise<Trained> {
  const { plan, sites } = task;
  const isCentral = plan.protection.centralPrivacy !== undefined;
  const watch = isCentral ? withoutLosses(watched) : watched;
  const stage = stageOf(plan, task.stage);
  const layout = stageLayout(plan, stage);
  const weights = await readWeights(task.model, layout.size);
  const training = await trainStage(task, { stage, weights }, watch);
  const residual = task.residuals === undefined ? null : await readResidual(task.residuals, layout.size);
  const { vector, clippedCoordinates, cappedGroups, normLimit } = updateFromWeights(
    { before: weights, after: training.weights, sampleCounts: training.sampleCounts },
    { ...stageUpdateCode(plan, stage, sites), normLimit: plan.protection.updateNormLimit, residual },
  );
  const sealed = task.keepVector === undefined ? seal(vector, task.sealing) : vector;
  const hash = sha256Hex(sealed);
  if (task.keepVector === undefined) await mkdir(task.outbox, { recursive: true, mode: 0o700 });
  const file = task.keepVector ?? join(task.outbox, hash);
  await writeFileAtomically(file, sealed);
  return {
    blob: { hash, file },
    bytes: sealed.length,
    layout: layoutHash(layout),
    figures: figuresToTell(training.figures, { isCentral, normLimit }),
    local: 'local' in training ? training.local : null,
    clippedCoordinates,
    cappedGroups,
    residual:
      residual === null || task.residuals === undefined
        ? undefined
        : await writeResidual(task.residuals.path, residual),
  };
}

/** Nothing that the noise of the sum does not cover is told under central privacy. */
function figuresToTell(
  figures: TrainingFigures,
  { isCentral, normLimit }: { readonly isCentral: boolean; readonly normLimit: TrainingFigures['updateNorm'] | null },
): TrainingFigures {
  if (isCentral) return { loss: 0, steps: 0, samples: 0, seconds: figures.seconds };
  return normLimit == null ? figures : { ...figures, updateNorm: normLimit };
}

function withoutLosses({ signal, onProgress }: Watch): Watch {
  return { signal, onProgress: (progress) => onProgress({ ...progress, loss: null, perSecond: null }) };
}

async function evaluate({ plan, models, local, sealing }: EvaluateTask, watch: Watch): Promise<Evaluated> {
  const read = async (stage: Stage) => {
    const model = models.find((candidate) => candidate.stage === stage.name);
    if (model === undefined) {
      throw new DeclineError(
        'missing-model',
        'Cannot evaluate: the coordinator did not name the models of every stage.',
      );
    }
    const { size } = stageLayout(plan, stage);
    return { model, initial: await readWeights(model.initial, size), final: await readWeights(model.final, size) };
  };
  const [first, second] = plan.stages;
  if (first?.kind !== 'slice-pretraining')
    throw new RangeError('Cannot evaluate: the plan must begin with pretraining');
  const { model, ...slices } = await read(first);
  const value = await cohortOf(plan, watch);
  const opened = await openedEngine();
  const known = embedded?.study === planHash(plan) && embedded.model === model.final.hash ? embedded.values : undefined;
  const alignment = second?.kind === 'alignment' ? { stage: second, ...(await read(second)) } : null;
  const report = await evaluateSite(
    { engine: opened, cohort: value },
    {
      models: { plan, slices: { stage: first, ...slices }, alignment },
      local:
        alignment === null || local === null
          ? null
          : fittingLocalLayers(local, initialLocalLayers({ plan, stage: alignment.stage }, value)),
      sliceEmbeddings: known,
    },
    watch,
  );
  const sealed = seal(Buffer.from(canonicalJson(report)), sealing);
  return { sealed: encodeBase64Url(sealed), results: report.results.length, skipped: report.skipped };
}

function perform(task: Task, watch: Watch): Promise<TaskResults[Task['kind']]> {
  switch (task.kind) {
    case 'prepare':
      return prepare(task, watch);
    case 'train':
      return train(task, watch);
    case 'mask':
      return maskVector(task, watch);
    case 'advance-model':
      return advanceModel(task, watch);
    case 'evaluate':
      return evaluate(task, watch);
    default:
      throw task satisfies never;
  }
}

const stops = new Map<number, AbortController>();
const answer = (message: FromWorker) => port.postMessage(message);

port.on('message', async (message: ToWorker) => {
  const { id } = message;
  if (message.kind === 'stop') {
    stops.get(id)?.abort();
    return;
  }
  const stop = new AbortController();
  stops.set(id, stop);
  const onProgress = throttle((progress: TaskProgress) => answer({ kind: 'progress', id, progress }), {
    intervalMillis: PROGRESS_INTERVAL_MILLIS,
    isLast: ({ done, total }) => done === total,
  });
  try {
    answer({ kind: 'done', id, result: await perform(message.task, { signal: stop.signal, onProgress }) });
  } catch (error) {
    if (stop.signal.aborted) answer({ kind: 'stopped', id });
    else if (error instanceof DeclineError) {
      answer({ kind: 'declined', id, reason: error.reason, message: error.message });
    } else answer({ kind: 'failed', id, error: safeError(error) });
  } finally {
    stops.delete(id);
  }
});
