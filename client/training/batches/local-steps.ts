/** How many optimiser steps a site takes in one round, and where each stands in the whole stage. */

export interface LocalWork {
  readonly localEpochs: number;
  readonly maximumLocalSteps?: number | undefined;
}

/** Steps of one round: all local epochs, or the plan's limit if that is less. */
export function localSteps(batchesPerEpoch: number, { localEpochs, maximumLocalSteps }: LocalWork): number {
  return Math.min(batchesPerEpoch * localEpochs, maximumLocalSteps ?? Number.POSITIVE_INFINITY);
}

/** The batches of one round in order, drawn epoch by epoch (0, 1, ...) until the round's steps are used up. */
export function* localBatches<Batch>(
  work: LocalWork,
  drawEpoch: (epoch: number) => readonly Batch[],
): Generator<Batch> {
  let left = work.maximumLocalSteps ?? Number.POSITIVE_INFINITY;
  for (let epoch = 0; epoch < work.localEpochs && left > 0; epoch++) {
    for (const batch of drawEpoch(epoch)) {
      if (left-- <= 0) return;
      yield batch;
    }
  }
}

/**
 * Which share of the stage is done before step `step` (from 0) of round `round` (from 1): what the learning-rate
 * schedule follows, so that warm-up and decay span the whole stage and not each round.
 */
export function stageProgress({
  round,
  rounds,
  step,
  steps,
}: {
  round: number;
  rounds: number;
  step: number;
  steps: number;
}): number {
  return (round - 1 + step / steps) / rounds;
}
