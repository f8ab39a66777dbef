/**
 * Stands in for the training thread: its updates are one-hot, its models tiny. It writes down what it trained and every sum
 * that it was given, so that a test can hold them against what the coordinator says. The new weights are computed in the
 * plainest way there is, which checks the coordinator's own.
 */
import { appendFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomically } from '@wardround/client/state/atomic-file.ts';
import { DeclineError } from '@wardround/client/training/decline-error.ts';
import type { Trainer } from '@wardround/client/training/trainer.ts';
import type { Advanced, AdvanceTask, EvaluateTask, TrainTask } from '@wardround/client/training/worker-messages.ts';
import { decodeSum } from '@wardround/protocols/transfer/update-code.ts';
import { serverStep } from '@wardround/shared/aggregation/server-optimiser.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { float32FromBytes, int32FromBytes, littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { seal } from '@wardround/shared/crypto/sealed-envelope.ts';
import { layoutHash } from '@wardround/shared/tensors/layout.ts';
import { oneHotLayout, oneHotModels, oneHotVector } from './one-hot.ts';
import { createStandInTrainer } from './stand-in-trainer.ts';

export interface OneHotSite {
  /** Its place among the consortium's sites, from 0, and how many there are. */
  readonly position: number;
  readonly of: number;
  /** One JSON object a line; over restarts. */
  readonly traceFile: string;
}

export type TraceLine =
  | { readonly kind: 'trained'; readonly study: string; readonly stage: string; readonly round: number }
  | { readonly kind: 'sum'; readonly hash: string; readonly words: readonly number[] }
  /** The weights that it evaluated, by their bytes. */
  | { readonly kind: 'evaluated'; readonly study: string; readonly models: Readonly<Record<string, string>> };

export function createOneHotTrainer(site: OneHotSite): Trainer {
  const trace = (line: TraceLine): void => appendFileSync(site.traceFile, `${JSON.stringify(line)}\n`);
  return createStandInTrainer({
    train: (task) => train(task, { ...site, trace }),
    advance: (task) => advance(task, trace),
    onEvaluate: (task) => noteModels(task, trace),
  });
}

type Trace = (line: TraceLine) => void;

async function train(task: TrainTask, { position, of, trace }: OneHotSite & { readonly trace: Trace }) {
  const { stage, round, outbox, keepVector, sealing } = task;
  const vector = oneHotVector({ position, of, round });
  const bytes = keepVector === undefined ? seal(vector, sealing) : vector;
  const hash = sha256Hex(bytes);
  await mkdir(outbox, { recursive: true });
  const file = keepVector ?? path.join(outbox, hash);
  await writeFileAtomically(file, bytes);
  trace({ kind: 'trained', study: task.plan.name, stage, round });
  const figures = { loss: 1, steps: 1, samples: 1, seconds: 1 };
  const nothing = { local: null, clippedCoordinates: 0, cappedGroups: [] };
  return { blob: { hash, file }, bytes: bytes.length, layout: layoutHash(oneHotLayout), figures, ...nothing };
}

async function advance(task: AdvanceTask, trace: Trace): Promise<Advanced> {
  const { plan, from, links, folder } = task;
  const stage = plan.stages.find(({ name }) => name === task.stage)!;
  const read = async (hash: string) => float32FromBytes(await readFile(path.join(folder, hash)));
  let weights = from === null ? oneHotModels.initialWeights(plan, stage) : await read(from.model);
  let state = from?.optimiserState == null ? null : await read(from.optimiserState);
  const initial = from?.initial ?? sha256Hex(littleEndianBytes(weights));
  if (initial !== task.initial) throw chainBroken();
  for (const link of links) {
    const sum = int32FromBytes(await readFile(link.sum));
    trace({ kind: 'sum', hash: sha256Hex(littleEndianBytes(sum)), words: [...sum] });
    const { clip, maximumSampleCount } = plan.protection;
    const decoded = decodeSum(sum, { layout: oneHotLayout, clip, maximumSampleCount, sites: link.sites });
    const { meanDelta } = decoded;
    ({ weights, state } = serverStep(stage.server, { weights, meanDelta, state, trained: oneHotLayout.tensors }));
    if (sha256Hex(littleEndianBytes(weights)) !== link.model) throw chainBroken();
  }
  const keep = async (numbers: Float32Array): Promise<string> => {
    const bytes = littleEndianBytes(numbers);
    await writeFileAtomically(path.join(folder, sha256Hex(bytes)), bytes);
    return sha256Hex(bytes);
  };
  // The whole memory in one file: nobody else reads it.
  return { initial, model: await keep(weights), optimiserState: state && (await keep(state)), secondMoment: null };
}

async function noteModels({ plan, models }: EvaluateTask, trace: Trace): Promise<void> {
  const hashes: Record<string, string> = {};
  for (const { stage, final } of models) hashes[stage] = sha256Hex(await readFile(final.file));
  trace({ kind: 'evaluated', study: plan.name, models: hashes });
}

function chainBroken(): DeclineError {
  return new DeclineError('model-chain-broken', 'Cannot go on: these weights do not follow from the published sums.');
}
