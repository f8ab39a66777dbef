/** Computes a stage's weights from those before and the published sums, as the coordinator must have done. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { initialStageWeights, stageUpdateCode } from '@wardround/protocols/study/stage-layout.ts';
import { decodeSum } from '@wardround/protocols/transfer/update-code.ts';
import { serverStep } from '@wardround/shared/aggregation/server-optimiser.ts';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { float32FromBytes, int32FromBytes, littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { writeFileAtomically } from '../../state/atomic-file.ts';
import { DeclineError } from '../decline-error.ts';
import type { Advanced, AdvanceTask } from '../worker-messages.ts';

/** @throws {DeclineError} `model-chain-broken` when the coordinator's weights are not those that follow. */
export async function advanceModel(task: AdvanceTask): Promise<Advanced> {
  const { plan, from, links, folder } = task;
  const stage = plan.stages.find(({ name }) => name === task.stage);
  if (stage === undefined) throw new DeclineError('unknown-stage', 'Cannot go on: the plan has no stage of that name.');
  let weights = from === null ? initialStageWeights(plan, stage) : float32FromBytes(await read(folder, from.model));
  let state = from?.optimiserState == null ? null : float32FromBytes(await read(folder, from.optimiserState));
  let model = from === null ? sha256Hex(littleEndianBytes(weights)) : from.model;
  const initial = from === null ? model : from.initial;
  if (initial !== task.initial) throw chainBroken();
  for (const link of links) {
    const code = stageUpdateCode(plan, stage, link.sites);
    const { meanDelta, sampleCounts } = decodeSum(int32FromBytes(await readFile(link.sum)), code);
    const { tensors, groups } = code.layout;
    const trained = tensors.filter(({ group }) => (sampleCounts[groups.indexOf(group)] ?? 0) > 0);
    ({ weights, state } = serverStep(stage.server, { weights, meanDelta, state, trained }));
    model = sha256Hex(littleEndianBytes(weights));
    if (model !== link.model) throw chainBroken();
  }
  await writeFileAtomically(join(folder, model), littleEndianBytes(weights));
  const memory = state === null ? null : littleEndianBytes(state);
  const optimiserState = memory === null ? null : sha256Hex(memory);
  if (memory !== null && optimiserState !== null) await writeFileAtomically(join(folder, optimiserState), memory);
  return { initial, model, optimiserState };
}

async function read(folder: string, hash: Sha256Hex): Promise<Uint8Array> {
  const bytes = await readFile(join(folder, hash));
  if (sha256Hex(bytes) !== hash) throw chainBroken();
  return bytes;
}

function chainBroken(): DeclineError {
  return new DeclineError(
    'model-chain-broken',
    'Cannot go on: the coordinator’s weights are not those that follow from the plan and the published sums.',
  );
}
