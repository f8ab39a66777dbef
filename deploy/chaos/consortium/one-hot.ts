/**
 * Updates that name their site: a one in a place that no other site has in that round, zeros elsewhere. A sum of them may
 * hold nothing but zeros and ones; a two would be an update that was added twice (the oracle of Janus' simulation tests).
 */
import type { StageModels } from '@wardround/coordinator/aggregation/model-work.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { createLayout } from '@wardround/shared/tensors/layout.ts';

export const oneHotLayout = createLayout([
  { name: 'encoder', shape: [96], initialiser: { kind: 'zeros' }, group: 'image' },
  { name: 'table', shape: [37], initialiser: { kind: 'zeros' }, group: 'clinical' },
]);

export const oneHotModels: StageModels = {
  layout: () => oneHotLayout,
  initialWeights: () => new Float32Array(oneHotLayout.size),
};

const groups = oneHotLayout.groups.length;

/** The words of the update vector (protocols/transfer/update-code.ts): one sample of each group, and the one. */
export function oneHotVector({ position, of, round }: { position: number; of: number; round: number }): Uint8Array {
  const words = new Int32Array(groups + oneHotLayout.size).fill(1, 0, groups);
  words[groups + placeOf({ position, of, round })] = 1;
  return littleEndianBytes(words);
}

/** @returns the positions of the sites that the sum is of. @throws {RangeError} when it is no sum of different sites' updates. */
export function sitesInSum(sum: Int32Array, { of, round }: { of: number; round: number }): number[] {
  const codes = sum.subarray(groups);
  const illegal = codes.find((code) => code !== 0 && code !== 1);
  if (illegal !== undefined)
    throw new RangeError(`The sum of round ${round} holds ${illegal}, not only zeros and ones`);
  const positions = Array.from({ length: of }, (_, position) => position);
  const found = positions.filter((position) => codes[placeOf({ position, of, round })] === 1);
  const ones = codes.reduce((count, code) => count + code, 0);
  if (ones !== found.length) throw new RangeError(`The sum of round ${round} holds what no site has sent in it`);
  if (!sum.subarray(0, groups).every((count) => count === found.length)) {
    throw new RangeError(`The sum of round ${round} counts other samples than those of its ${found.length} sites`);
  }
  return found;
}

/** Another one in each round, so that an update of an earlier round shows. */
function placeOf({ position, of, round }: { position: number; of: number; round: number }): number {
  return ((round - 1) * of + position) % oneHotLayout.size;
}
