import type { GoldenContext, GoldenTensor } from './program.ts';

/** PyTorch counts the batches that running statistics have seen; one more after a training step. */
export function countedBatches({ names, wholeNumber }: GoldenContext): Record<string, GoldenTensor> {
  const counters = names.filter((name) => name.endsWith('num_batches_tracked'));
  return Object.fromEntries(
    counters.map((name) => [
      name.replace('param.', 'state.'),
      { shape: [], data: BigInt64Array.of(wholeNumber(name) + 1n) },
    ]),
  );
}
