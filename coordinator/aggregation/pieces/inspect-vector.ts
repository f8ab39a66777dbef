/** Checks a staged vector segment by segment: no more of it is ever open at a time. */
import { createHash } from 'node:crypto';
import { createUpdateCheck } from '@wardround/protocols/transfer/check-update.ts';
import type { UpdateCode, UpdateFault } from '@wardround/protocols/transfer/update-code.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { SealBrokenError, segmentCount } from '@wardround/shared/crypto/sealed-envelope.ts';
import { readIntoNow } from '@wardround/shared/files/read-at.ts';
import { discard, readSegment, type StagedVector } from './sum-words.ts';

/** The envelope cannot be opened whole. */
export const BROKEN = 'broken';

/** Whether an update can be added: null, or why not. */
export function inspectUpdateVector(request: {
  readonly vector: StagedVector;
  readonly code: UpdateCode;
}): UpdateFault | typeof BROKEN | null {
  const { vector, code } = request;
  const check = createUpdateCheck(code, vector.body.plaintextBytes);
  // To the end in any case: only an envelope that is whole says anything.
  return eachSegment(vector, check.next) ? check.fault() : BROKEN;
}

/** SHA-256 of a masked vector. */
export function hashMaskedVector({ vector }: { readonly vector: StagedVector }): Sha256Hex | typeof BROKEN {
  const hash = createHash('sha256');
  return eachSegment(vector, (opened) => hash.update(opened)) ? hash.digest('hex') : BROKEN;
}

/** @returns false when the envelope is broken: what was visited is then worth nothing. */
function eachSegment({ descriptor, body }: StagedVector, visit: (opened: Uint8Array) => void): boolean {
  try {
    for (let segment = 0; segment < segmentCount(body.plaintextBytes); segment += 1) {
      const opened = readSegment(descriptor, { body, segment });
      visit(opened);
      discard(opened);
    }
    return true;
  } catch (error) {
    if (error instanceof SealBrokenError) return false;
    throw error;
  }
}

/** SHA-256 of a file as it lies. */
export function hashFile({
  descriptor,
  sizeBytes,
}: {
  readonly descriptor: number;
  readonly sizeBytes: number;
}): string {
  const hash = createHash('sha256');
  const buffer = new Uint8Array(Math.min(sizeBytes, 1 << 20));
  for (let position = 0; position < sizeBytes; position += buffer.length) {
    const target = buffer.subarray(0, Math.min(buffer.length, sizeBytes - position));
    readIntoNow({ fd: descriptor }, { target, position });
    hash.update(target);
  }
  return hash.digest('hex');
}
