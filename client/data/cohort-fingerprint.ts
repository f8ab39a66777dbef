/** Tells whether a cohort is the one that a training began with: SHA-256 over all that trains. It never leaves the site. */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import type { Cohort } from './cohort.ts';

/** About 20 ms of hashing, between which messages are let in. */
const PIECE_BYTES = 1 << 25;

const known = new WeakMap<Cohort, Sha256Hex>();

export async function cohortFingerprint(cohort: Cohort): Promise<Sha256Hex> {
  const before = known.get(cohort);
  if (before !== undefined) return before;
  const { images, patients, clinicalInputWidth, expressionInputWidth } = cohort;
  const hash = createHash('sha256');
  const { sizePixels, count, levels } = images;
  hash.update(JSON.stringify([sizePixels, count, clinicalInputWidth, expressionInputWidth, patients.length]));
  for (const { slices, heldOut, clinical, expression } of patients) {
    hash.update(JSON.stringify([slices, heldOut, clinical?.length ?? null, expression?.length ?? null]));
    for (const values of [clinical, expression]) if (values !== null) hash.update(littleEndianBytes(values));
  }
  for (let first = 0; first < levels.length; first += PIECE_BYTES) {
    hash.update(levels.subarray(first, first + PIECE_BYTES));
    await nextTurn();
  }
  const fingerprint = hash.digest('hex') as Sha256Hex;
  known.set(cohort, fingerprint);
  return fingerprint;
}
