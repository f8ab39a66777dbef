/** What one thread does with one piece of a round's sum: adds it up, unmasks it, and moves the weights that it is about. */
import { applySumPiece } from '@wardround/protocols/transfer/apply-sum.ts';
import { sampleCountWords } from '@wardround/protocols/transfer/sample-counts.ts';
import type { UpdateCode } from '@wardround/protocols/transfer/update-code.ts';
import { initialMemory, type ServerOptimiser } from '@wardround/shared/aggregation/server-optimiser.ts';
import type { CodeWords } from '@wardround/shared/bytes/code-words.ts';
import { allWithin } from '@wardround/shared/bytes/fixed-point.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import type { Mask } from '@wardround/shared/crypto/mask-generator.ts';
import { SEGMENT_BYTES } from '@wardround/shared/crypto/sealed-envelope.ts';
import { readFully, type StagedVector, sumWords, VectorBrokenError } from './sum-words.ts';

/** What is the same for all pieces of a round. */
export interface SumJob {
  readonly vectors: readonly StagedVector[];
  /** What takes the masks out of the sum; empty where vectors are not masked. */
  readonly masks: readonly Mask[];
  /** What no number of the sum may exceed in either direction. */
  readonly largest: number;
  /** Words of each vector, with those behind its codes. */
  readonly words: number;
  readonly code: UpdateCode;
  /** The sum's. */
  readonly sampleCounts: readonly number[];
  readonly server: ServerOptimiser;
  /** The weights before, a file. */
  readonly model: number;
  /** The optimiser's memory before, a file: its vectors one after the other. Null at the stage's first step. */
  readonly state: number | null;
}

/** Memory that holds one piece at a time: of the sum, and of all that it moves. */
export interface PieceSlot {
  readonly sum: SharedArrayBuffer;
  readonly weights: SharedArrayBuffer;
  /** One of each vector of the optimiser's memory. */
  readonly memory: readonly SharedArrayBuffer[];
}

/** A piece is as long as a segment of an envelope, so that each segment is opened once. */
export const PIECE_BYTES = SEGMENT_BYTES;

export function createSlot(server: ServerOptimiser, codeBits: 16 | 32): PieceSlot {
  const parameters = () => new SharedArrayBuffer((PIECE_BYTES / codeBits) * 32);
  const memory = initialMemory(server).map(parameters);
  return { sum: new SharedArrayBuffer(PIECE_BYTES), weights: parameters(), memory };
}

/** Where a piece's words and parameters stand, and its slot's arrays cut to them. */
export interface Piece {
  readonly firstWord: number;
  readonly sum: CodeWords<SharedArrayBuffer>;
  readonly firstParameter: number;
  readonly codes: CodeWords<SharedArrayBuffer>;
  readonly weights: Float32Array<SharedArrayBuffer>;
  readonly memory: readonly Float32Array<SharedArrayBuffer>[];
}

export function pieceOf(
  { words, code }: Pick<SumJob, 'words' | 'code'>,
  { piece, slot }: { readonly piece: number; readonly slot: PieceSlot },
): Piece {
  const { layout, codeBits = 32 } = code;
  const head = sampleCountWords(layout.groups.length, codeBits);
  const whole = codeBits === 16 ? new Int16Array(slot.sum) : new Int32Array(slot.sum);
  const firstWord = piece * whole.length;
  const sum = whole.subarray(0, Math.min(whole.length, words - firstWord));
  const firstParameter = Math.min(layout.size, Math.max(0, firstWord - head));
  const end = Math.min(layout.size, Math.max(0, firstWord + sum.length - head));
  const length = end - firstParameter;
  const codes = sum.subarray(head + firstParameter - firstWord, head + end - firstWord);
  const of = (buffer: SharedArrayBuffer) => new Float32Array(buffer, 0, length);
  return { firstWord, sum, firstParameter, codes, weights: of(slot.weights), memory: slot.memory.map(of) };
}

export type MovedPiece =
  | { readonly kind: 'moved'; readonly squares: number }
  | { readonly kind: 'out-of-range' }
  | { readonly kind: 'vector-broken'; readonly vector: number };

/** Leaves the sum's piece and the moved weights and memory in the slot. */
export function movePiece(job: SumJob, at: { readonly piece: number; readonly slot: PieceSlot }): MovedPiece {
  const { vectors, masks, largest, code, sampleCounts, server, model, state } = job;
  const { firstWord, sum, firstParameter, codes, weights, memory } = pieceOf(job, at);
  try {
    sumWords(vectors, { firstWord, into: sum, masks });
  } catch (error) {
    if (error instanceof VectorBrokenError) return { kind: 'vector-broken', vector: error.vector };
    throw error;
  }
  if (!allWithin(sum, largest)) return { kind: 'out-of-range' };
  readFully(model, { target: littleEndianBytes(weights), position: 4 * firstParameter });
  for (const [index, value] of initialMemory(server).entries()) {
    const target = memory[index]!;
    if (state === null) target.fill(value);
    else
      readFully(state, {
        target: littleEndianBytes(target),
        position: 4 * (index * code.layout.size + firstParameter),
      });
  }
  const [momentum = null, secondMoment = null] = memory;
  const squares = applySumPiece(
    { firstParameter, codes, weights, momentum, secondMoment },
    { code, sampleCounts, server },
  );
  return { kind: 'moved', squares };
}
