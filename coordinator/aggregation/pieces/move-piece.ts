/** What one thread does with one piece of a round's sum, or of its cohorts' sums: adds it up, unmasks it, and moves the weights that it is about. */
import { applyCohortSumsPiece } from '@wardround/protocols/transfer/apply-cohort-sums.ts';
import { applySumPiece } from '@wardround/protocols/transfer/apply-sum.ts';
import { sampleCountWords } from '@wardround/protocols/transfer/sample-counts.ts';
import type { UpdateCode } from '@wardround/protocols/transfer/update-code.ts';
import type { RobustRule } from '@wardround/shared/aggregation/robust/robust-rule.ts';
import { initialMemory, type ServerOptimiser } from '@wardround/shared/aggregation/server-optimiser.ts';
import type { CodeWords } from '@wardround/shared/bytes/code-words.ts';
import { allWithin } from '@wardround/shared/bytes/fixed-point.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { addMasks, type Mask } from '@wardround/shared/crypto/mask-generator.ts';
import { SEGMENT_BYTES } from '@wardround/shared/crypto/sealed-envelope.ts';
import { readIntoNow } from '@wardround/shared/files/read-at.ts';
import { type StagedVector, sumWords, VectorBrokenError } from './sum-words.ts';

/** One of the sums that a round's weights are moved by: its only one, or a cohort's. */
export interface SummedVectors {
  readonly vectors: readonly StagedVector[];
  /** What takes the masks out of the sum; empty where vectors are not masked. */
  readonly masks: readonly Mask[];
  /** What no number of the sum may exceed in either direction. */
  readonly largest: number;
  /** The sum's. */
  readonly sampleCounts: readonly number[];
}

/** What is the same for all pieces of a round. */
export interface SumJob {
  readonly sums: readonly SummedVectors[];
  /** What takes the place of the mean over several sums, which are then cohorts'; null for one sum. */
  readonly rule: RobustRule | null;
  /** Words of each vector, with those behind its codes. */
  readonly words: number;
  readonly code: UpdateCode;
  readonly server: ServerOptimiser;
  /** The weights before, a file. */
  readonly model: number;
  /** The optimiser's memory before, a file: its vectors one after the other. Null at the stage's first step. */
  readonly state: number | null;
}

/** Memory that holds one piece at a time: of each sum, and of all that they move. */
export interface PieceSlot {
  readonly sums: readonly SharedArrayBuffer[];
  readonly weights: SharedArrayBuffer;
  /** One of each vector of the optimiser's memory. */
  readonly memory: readonly SharedArrayBuffer[];
}

/** A piece is as long as a segment of an envelope, so that each segment is opened once. */
export const PIECE_BYTES = SEGMENT_BYTES;

export function createSlot(
  server: ServerOptimiser,
  { codeBits, sums }: { readonly codeBits: 16 | 32; readonly sums: number },
): PieceSlot {
  const parameters = () => new SharedArrayBuffer((PIECE_BYTES / codeBits) * 32);
  const memory = initialMemory(server).map(parameters);
  const ownSums = Array.from({ length: sums }, () => new SharedArrayBuffer(PIECE_BYTES));
  return { sums: ownSums, weights: parameters(), memory };
}

/** Where a piece's words and parameters stand, and its slot's arrays cut to them. */
export interface Piece {
  readonly firstWord: number;
  readonly sums: readonly CodeWords<SharedArrayBuffer>[];
  readonly firstParameter: number;
  /** The codes in each sum. */
  readonly codes: readonly CodeWords<SharedArrayBuffer>[];
  readonly weights: Float32Array<SharedArrayBuffer>;
  readonly memory: readonly Float32Array<SharedArrayBuffer>[];
}

export function pieceOf(
  { words, code }: Pick<SumJob, 'words' | 'code'>,
  { piece, slot }: { readonly piece: number; readonly slot: PieceSlot },
): Piece {
  const { layout, codeBits = 32 } = code;
  const head = sampleCountWords(layout.groups.length, codeBits);
  const most = (8 * PIECE_BYTES) / codeBits;
  const firstWord = piece * most;
  const inPiece = Math.min(most, words - firstWord);
  const sums = slot.sums.map(
    (buffer): CodeWords<SharedArrayBuffer> =>
      codeBits === 16 ? new Int16Array(buffer, 0, inPiece) : new Int32Array(buffer, 0, inPiece),
  );
  const firstParameter = Math.min(layout.size, Math.max(0, firstWord - head));
  const end = Math.min(layout.size, Math.max(0, firstWord + inPiece - head));
  const length = end - firstParameter;
  const codes = sums.map((sum) => sum.subarray(head + firstParameter - firstWord, head + end - firstWord));
  const of = (buffer: SharedArrayBuffer) => new Float32Array(buffer, 0, length);
  return { firstWord, sums, firstParameter, codes, weights: of(slot.weights), memory: slot.memory.map(of) };
}

export type MovedPiece =
  | {
      readonly kind: 'moved';
      readonly squares: number;
      /** What it took to take the masks out and look whether every number is in range. */
      readonly unmaskMillis: number;
    }
  /** `sum`: of which sum, by index. */
  | { readonly kind: 'out-of-range'; readonly sum: number }
  | { readonly kind: 'vector-broken'; readonly vector: number; readonly sum: number };

/** Leaves the sums' pieces and the moved weights and memory in the slot. */
export function movePiece(job: SumJob, at: { readonly piece: number; readonly slot: PieceSlot }): MovedPiece {
  const { code, rule, server, model, state } = job;
  const { firstWord, sums, firstParameter, codes, weights, memory } = pieceOf(job, at);
  let unmaskMillis = 0;
  for (const [sum, { vectors, masks, largest }] of job.sums.entries()) {
    try {
      sumWords(vectors, { firstWord, into: sums[sum]! });
    } catch (error) {
      if (error instanceof VectorBrokenError) return { kind: 'vector-broken', vector: error.vector, sum };
      throw error;
    }
    const start = performance.now();
    addMasks(sums[sum]!, masks, { firstWord });
    if (!allWithin(sums[sum]!, largest)) return { kind: 'out-of-range', sum };
    unmaskMillis += performance.now() - start;
  }
  readIntoNow({ fd: model }, { target: littleEndianBytes(weights), position: 4 * firstParameter });
  for (const [index, value] of initialMemory(server).entries()) {
    const target = memory[index]!;
    if (state === null) target.fill(value);
    else
      readIntoNow(
        { fd: state },
        {
          target: littleEndianBytes(target),
          position: 4 * (index * code.layout.size + firstParameter),
        },
      );
  }
  const [momentum = null, secondMoment = null] = memory;
  const moved = { firstParameter, weights, momentum, secondMoment };
  const sampleCounts = job.sums.map((sum) => sum.sampleCounts);
  const squares =
    rule === null
      ? applySumPiece({ ...moved, codes: codes[0]! }, { code, sampleCounts: sampleCounts[0]!, server })
      : applyCohortSumsPiece({ ...moved, codes }, { code, sampleCounts, rule, server });
  return { kind: 'moved', squares, unmaskMillis };
}
