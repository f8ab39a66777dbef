/**
 * Adds a round's updates and moves the model by their sum, in constant memory: pieces are added up, unmasked and applied in
 * threads (pieces/move-piece.ts) while results are hashed and written in order, each to a file that gets its name at the end.
 *
 * Nothing is published of a sum that is not one its sites could have made, and no file of it stays.
 */
import { CANARY, canaryWords, type SumFault } from '@wardround/protocols/secure-aggregation/canary.ts';
import type { MaskInstruction } from '@wardround/protocols/secure-aggregation/mask-instructions.ts';
import { sampleCountWords } from '@wardround/protocols/transfer/sample-counts.ts';
import { sumOfSampleCounts, type UpdateCode, updateVectorLength } from '@wardround/protocols/transfer/update-code.ts';
import type { RobustRule } from '@wardround/shared/aggregation/robust/robust-rule.ts';
import { initialMemory, type ServerOptimiser } from '@wardround/shared/aggregation/server-optimiser.ts';
import { createCodeWords, largestSum } from '@wardround/shared/bytes/code-words.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import type { Mask } from '@wardround/shared/crypto/mask-generator.ts';
import { BlobDamagedError, type BlobDraft, type BlobFile, type BlobStore } from '../storage/blob-store.ts';
import { inOrder } from './pieces/in-order.ts';
import {
  createSlot,
  type MovedPiece,
  PIECE_BYTES,
  type PieceSlot,
  pieceOf,
  type SumJob,
  type SummedVectors,
} from './pieces/move-piece.ts';
import { type PieceThreads, runHere } from './pieces/piece-threads.ts';
import { type StagedVector, sumWords, VectorBrokenError } from './pieces/sum-words.ts';

interface Move {
  readonly code: UpdateCode;
  readonly server: ServerOptimiser;
  readonly startModel: Sha256Hex;
  readonly optimiserState: Sha256Hex | null;
}

export interface SumRequest extends Move {
  readonly vectors: readonly StagedVector[];
  /** What takes the masks out of the sum; null where vectors are not masked, and have no canary. */
  readonly instructions: readonly MaskInstruction[] | null;
}

/** The vectors of each cohort, and what takes the masks out of its sum. */
export interface CohortSumsRequest extends Move {
  readonly cohorts: readonly {
    readonly vectors: readonly StagedVector[];
    readonly instructions: readonly MaskInstruction[];
  }[];
  readonly rule: RobustRule;
}

export type SumResult =
  | {
      readonly kind: 'moved';
      readonly model: Sha256Hex;
      readonly optimiserState: Sha256Hex | null;
      /** L2 norm of the weights' change. */
      readonly updateNorm: number;
      /** Where vectors were masked: the sum, without its canary. */
      readonly sum: Sha256Hex | null;
    }
  | { readonly kind: 'sum-wrong'; readonly reason: SumFault }
  /** By index: it is not what was accepted any more. */
  | { readonly kind: 'vector-broken'; readonly vector: number };

/** As for one sum; what is wrong is wrong with one cohort, by index. */
export type CohortSumsResult =
  | (Omit<Extract<SumResult, { kind: 'moved' }>, 'sum'> & { readonly sums: readonly Sha256Hex[] })
  | (Exclude<SumResult, { kind: 'moved' }> & { readonly cohort: number });

export interface UpdateAdder {
  /** One sum at a time, or those of one round's cohorts. */
  add(request: SumRequest): Promise<SumResult>;
  addCohorts(request: CohortSumsRequest): Promise<CohortSumsResult>;
  /** Of memory that holds pieces, kept for the next sum. */
  heldBytes(): number;
}

/** Pieces whose results are written while every thread has one to work on. */
const SPARE_SLOTS = 1;

export function createUpdateAdder(parts: {
  readonly published: BlobStore;
  readonly optimiserStates: BlobStore;
  readonly threads: PieceThreads;
  /** Is told, for each piece, how long a thread took to take the masks out of it: for measurements. */
  readonly onUnmasked?: (millis: number) => void;
}): UpdateAdder {
  const { published, optimiserStates, threads, onUnmasked = nothing } = parts;
  let slots: PieceSlot[] = [];

  const addSums = async (request: SumsRequest): Promise<CohortSumsResult> => {
    const { code, rule, isMasked, server, startModel, optimiserState } = request;
    const { layout, codeBits = 32 } = code;
    const words = updateVectorLength(layout, codeBits) + (isMasked ? canaryWords(codeBits) : 0);
    const sums: SummedVectors[] = [];
    for (const [cohort, { vectors, instructions }] of request.sums.entries()) {
      const ends = readEnds({ vectors, instructions, code });
      if (ends.kind !== 'read') return { ...ends, cohort };
      const largest = largestSum(codeBits) + vectors.length / 2;
      sums.push({ vectors, masks: instructions ?? [], largest, sampleCounts: ends.sampleCounts });
    }

    await using open = new AsyncDisposableStack();
    const model = open.use(await published.openUnchecked(startModel));
    const state = optimiserState === null ? null : open.use(await optimiserStates.openUnchecked(optimiserState));
    const kept = initialMemory(server);
    requireSize(model, 4 * layout.size);
    if (state !== null) requireSize(state, 4 * kept.length * layout.size);

    const job: SumJob = {
      sums,
      rule,
      words,
      code,
      server,
      model: model.descriptor,
      state: state?.descriptor ?? null,
    };
    open.defer(() => threads.forget(job));
    const pieces = Math.ceil((words * codeBits) / 8 / PIECE_BYTES);
    const run = pieces === 1 ? runHere : threads.run;
    const checking = Promise.all([
      requireContent(model, { hash: startModel, run }),
      state && requireContent(state, { hash: optimiserState!, run }),
    ]);
    // Files are closed when nobody reads them any more; until it is awaited, a failure is nobody's surprise.
    const checked = checking.then(nothing, nothing);
    open.defer(() => checked);

    slots = slotsFor(request, { count: Math.min(pieces, threads.count + SPARE_SLOTS), had: slots });
    const sumDrafts: BlobDraft[] = [];
    for (const _ of isMasked ? sums : []) sumDrafts.push(open.use(await published.draft()));
    const modelDraft = open.use(await published.draft());
    const stateDraft = kept.length === 0 ? null : open.use(await optimiserStates.draft());
    let squares = 0;
    let stopped: Exclude<MovedPiece, { kind: 'moved' }> | null = null;
    const sumWordsKept = updateVectorLength(layout, codeBits);
    await inOrder({
      pieces,
      ahead: slots.length,
      start: (piece) => run('movePiece', { piece, slot: slots[piece % slots.length]! }, { job }),
      async finish(moved, piece) {
        if (moved.kind !== 'moved') {
          stopped = moved;
          return false;
        }
        squares += moved.squares;
        onUnmasked(moved.unmaskMillis);
        const done = pieceOf(job, { piece, slot: slots[piece % slots.length]! });
        const ownWords = Math.max(0, sumWordsKept - done.firstWord);
        await Promise.all([
          ...sumDrafts.map((draft, index) => draft.append(littleEndianBytes(done.sums[index]!.subarray(0, ownWords)))),
          modelDraft.append(littleEndianBytes(done.weights)),
          stateDraft && writeMemory(stateDraft, { ...done, size: layout.size }),
        ]);
        return true;
      },
    });
    if (stopped !== null) return stoppedBy(stopped);
    await checking;
    // Side by side, since each waits for the disk; settled, since none may be disposed of while it does.
    const publishing = await Promise.allSettled(
      [modelDraft, stateDraft, ...sumDrafts].map((draft) => draft?.publish() ?? null),
    );
    const [movedModel, movedState, ...sumHashes] = publishing.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
    return {
      kind: 'moved',
      sums: sumHashes.filter((hash) => hash !== null),
      model: movedModel!,
      optimiserState: movedState ?? null,
      updateNorm: Math.sqrt(squares),
    };
  };

  return {
    async add({ vectors, instructions, ...move }) {
      const isMasked = instructions !== null;
      const result = await addSums({ ...move, sums: [{ vectors, instructions }], isMasked, rule: null });
      if (result.kind === 'moved') {
        const { sums, ...moved } = result;
        return { ...moved, sum: sums[0] ?? null };
      }
      const { cohort: _, ...failed } = result;
      return failed;
    },
    addCohorts: ({ cohorts, ...move }) => addSums({ ...move, sums: cohorts, isMasked: true }),
    heldBytes: () =>
      slots
        .flatMap(({ sums, weights, memory }) => [...sums, weights, ...memory])
        .reduce((bytes, { byteLength }) => bytes + byteLength, 0),
  };
}

function nothing(): void {}

/** What one sum and cohorts' sums have in common. */
interface SumsRequest extends Move {
  readonly sums: readonly Pick<SumRequest, 'vectors' | 'instructions'>[];
  readonly isMasked: boolean;
  readonly rule: RobustRule | null;
}

type Ends = { readonly kind: 'read'; readonly sampleCounts: readonly number[] } | Exclude<SumResult, { kind: 'moved' }>;

/** The sum's sample counts, which every piece needs, and its canary, before anything is written. */
function readEnds({ vectors, instructions, code }: Pick<SumRequest, 'vectors' | 'instructions' | 'code'>): Ends {
  const { layout, codeBits = 32 } = code;
  const masks: readonly Mask[] = instructions ?? [];
  try {
    if (instructions !== null) {
      const canary = createCodeWords(canaryWords(codeBits), codeBits);
      sumWords(vectors, { firstWord: updateVectorLength(layout, codeBits), into: canary, masks });
      if (canary.some((word) => word !== vectors.length * CANARY)) return { kind: 'sum-wrong', reason: 'canary-wrong' };
    }
    const head = createCodeWords(sampleCountWords(layout.groups.length, codeBits), codeBits);
    sumWords(vectors, { firstWord: 0, into: head, masks });
    return { kind: 'read', sampleCounts: sumOfSampleCounts(head, code) };
  } catch (error) {
    if (error instanceof VectorBrokenError) return { kind: 'vector-broken', vector: error.vector };
    if (error instanceof RangeError && instructions !== null) return { kind: 'sum-wrong', reason: 'sum-out-of-range' };
    throw error;
  }
}

function stoppedBy(stopped: Exclude<MovedPiece, { kind: 'moved' }>): CohortSumsResult {
  const { sum: cohort } = stopped;
  if (stopped.kind === 'vector-broken') return { kind: 'vector-broken', vector: stopped.vector, cohort };
  return { kind: 'sum-wrong', reason: 'sum-out-of-range', cohort };
}

/** The memory of the last sum, if it fits this one. */
function slotsFor(
  { server, sums, code: { codeBits = 32 } }: SumsRequest,
  { count, had }: { readonly count: number; readonly had: PieceSlot[] },
): PieceSlot[] {
  const [first] = had;
  const fits =
    first !== undefined &&
    first.memory.length === initialMemory(server).length &&
    first.sums.length === sums.length &&
    first.weights.byteLength === (PIECE_BYTES / codeBits) * 32;
  if (fits && had.length >= count) return had;
  return Array.from({ length: count }, () => createSlot(server, { codeBits, sums: sums.length }));
}

/** Its first vector grows in order; a second one stands behind the whole of the first. */
async function writeMemory(
  draft: BlobDraft,
  piece: { readonly memory: readonly Float32Array[]; readonly firstParameter: number; readonly size: number },
): Promise<void> {
  const { memory, firstParameter, size } = piece;
  for (const [index, values] of memory.entries()) {
    const bytes = littleEndianBytes(values);
    if (index === 0) await draft.append(bytes);
    else await draft.writeAhead(bytes, 4 * (index * size + firstParameter));
  }
}

/** @throws {BlobDamagedError} */
function requireSize({ sizeBytes }: BlobFile, expected: number): void {
  if (sizeBytes !== expected) throw damaged();
}

/** @throws {BlobDamagedError} */
async function requireContent(
  { descriptor, sizeBytes }: BlobFile,
  { hash, run }: { readonly hash: Sha256Hex; readonly run: PieceThreads['run'] },
): Promise<void> {
  if ((await run('hashFile', { descriptor, sizeBytes })) !== hash) throw damaged();
}

function damaged(): BlobDamagedError {
  return new BlobDamagedError(
    'Cannot add the updates: the weights that they start from, or the optimiser’s state, have changed on the disk',
  );
}
