/** What the rounds of a study must have led to, computed from nothing but who took part in each: the fault-free result. */
import assert from 'node:assert/strict';
import type { StudyState } from '@wardround/protocols/round/state.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { decodeSum } from '@wardround/protocols/transfer/update-code.ts';
import { serverStep } from '@wardround/shared/aggregation/server-optimiser.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { int32FromBytes, littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { oneHotLayout, oneHotModels, oneHotVector } from '../consortium/one-hot.ts';
import type { Consortium } from '../consortium/start-consortium.ts';

/** Every committed round has, to the bit, the weights that its participants' updates give; every other left them as they were. */
export function assertModelsFollow(
  { sites }: Pick<Consortium, 'sites'>,
  { plan, state }: { readonly plan: StudyPlan; readonly state: StudyState },
): void {
  const { clip, maximumSampleCount } = plan.protection;
  for (const [index, { name, rounds }] of state.stages.entries()) {
    const stage = plan.stages[index]!;
    let weights = oneHotModels.initialWeights(plan, stage);
    let memory: Float32Array | null = null;
    for (const { round, sites: invited, startModel, outcome } of rounds) {
      const before = sha256Hex(littleEndianBytes(weights));
      assert.equal(startModel, before, `round ${round} of ${name} began with weights that nothing led to`);
      if (outcome?.kind !== 'committed') continue;
      const sum = new Int32Array(oneHotLayout.groups.length + oneHotLayout.size);
      for (const participant of outcome.participants) {
        const position = sites.findIndex(({ site }) => site === participant);
        const words = int32FromBytes(oneHotVector({ position, of: sites.length, round }));
        for (const [word, value] of words.entries()) sum[word]! += value;
      }
      const code = { layout: oneHotLayout, clip, maximumSampleCount, sites: invited.length };
      const { meanDelta } = decodeSum(sum, code);
      const { tensors: trained } = oneHotLayout;
      ({ weights, state: memory } = serverStep(stage.server, { weights, meanDelta, state: memory, trained }));
      const after = sha256Hex(littleEndianBytes(weights));
      assert.equal(
        outcome.model,
        after,
        `round ${round} of ${name} has other weights than its participants' updates give`,
      );
    }
  }
}
