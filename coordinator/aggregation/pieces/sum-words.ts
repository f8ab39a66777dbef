/** Adds a range of the words of staged vectors, reading and opening no more of them than that range needs. */
import { type CodeWords, codeWordsFromBytes } from '@wardround/shared/bytes/code-words.ts';
import { addModulo } from '@wardround/shared/bytes/fixed-point.ts';
import { releaseMemory } from '@wardround/shared/bytes/release-memory.ts';
import { addMasks, type Mask } from '@wardround/shared/crypto/mask-generator.ts';
import {
  openSegment,
  SEGMENT_BYTES,
  SEGMENT_TAG_BYTES,
  SealBrokenError,
  type SealedBody,
  segmentRange,
} from '@wardround/shared/crypto/sealed-envelope.ts';
import { readIntoNow } from '@wardround/shared/files/read-at.ts';

/** An upload that lies sealed on the disk. */
export interface StagedVector {
  readonly descriptor: number;
  readonly body: SealedBody;
}

/** One of the vectors cannot be read any more. */
export class VectorBrokenError extends Error {
  override readonly name = 'VectorBrokenError';
  /** Its index. */
  readonly vector: number;

  constructor(vector: number) {
    super('Cannot add the updates: one of them is not what was accepted');
    this.vector = vector;
  }
}

/** The thread's own: what it reads next is sealed, so nothing has to be cleared. */
const sealedSegment = new Uint8Array(SEGMENT_BYTES + SEGMENT_TAG_BYTES);

/**
 * @param into becomes the sum of the vectors' words from `firstWord` on, with the masks added.
 * @throws {VectorBrokenError}
 */
export function sumWords(
  vectors: readonly StagedVector[],
  options: { readonly firstWord: number; readonly into: CodeWords; readonly masks?: readonly Mask[] },
): void {
  const { firstWord, into, masks = [] } = options;
  const begin = firstWord * into.BYTES_PER_ELEMENT;
  into.fill(0);
  for (const [index, vector] of vectors.entries()) {
    try {
      addRange(vector, into, begin);
    } catch (error) {
      throw error instanceof SealBrokenError ? new VectorBrokenError(index) : error;
    }
  }
  addMasks(into, masks, { firstWord });
}

function addRange({ descriptor, body }: StagedVector, into: CodeWords, begin: number): void {
  const { BYTES_PER_ELEMENT: width } = into;
  const end = begin + into.byteLength;
  for (let segment = Math.floor(begin / SEGMENT_BYTES); segment * SEGMENT_BYTES < end; segment += 1) {
    const start = segment * SEGMENT_BYTES;
    const opened = readSegment(descriptor, { body, segment });
    const [from, to] = [Math.max(begin, start), Math.min(end, start + opened.length)];
    const terms = codeWordsFromBytes(opened.subarray(from - start, to - start), width === 2 ? 16 : 32);
    addModulo(into.subarray((from - begin) / width, (to - begin) / width), terms);
    discard(opened);
  }
}

/**
 * Reads and opens one segment of a staged envelope.
 *
 * @throws {SealBrokenError} when it is not what was sealed.
 */
export function readSegment(
  descriptor: number,
  { body, segment }: { readonly body: SealedBody; readonly segment: number },
): Uint8Array {
  const { position, bytes } = segmentRange(body, segment);
  const sealed = sealedSegment.subarray(0, bytes);
  try {
    readIntoNow({ fd: descriptor }, { target: sealed, position });
  } catch (error) {
    throw error instanceof RangeError ? new SealBrokenError('Cannot open the envelope: it was cut short') : error;
  }
  return openSegment(body, { segment, sealed });
}

/** Clears what was opened and gives its memory back at once. */
export function discard(opened: Uint8Array): void {
  opened.fill(0);
  releaseMemory(opened);
}
