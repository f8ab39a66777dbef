/**
 * Computes a stage's weights from those before and the published sums, as the coordinator must have done: piece by piece
 * from files to files, each piece through all the sums, so that memory grows neither with the model nor with the rounds.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { cohortRules } from '@wardround/protocols/round/cohorts.ts';
import { codeBitsOf, cohortRule, type Stage, type StudyPlan } from '@wardround/protocols/study/plan.ts';
import { codeTerms, initialStagePieces, stageLayout } from '@wardround/protocols/study/stage-layout.ts';
import { applyCohortSumsPiece } from '@wardround/protocols/transfer/apply-cohort-sums.ts';
import { applySumPiece } from '@wardround/protocols/transfer/apply-sum.ts';
import { sampleCountWords } from '@wardround/protocols/transfer/sample-counts.ts';
import { sumOfSampleCounts, type UpdateCode, updateVectorBytes } from '@wardround/protocols/transfer/update-code.ts';
import { codeWordsFromBytes, createCodeWords } from '@wardround/shared/bytes/code-words.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { readAt, readIntoNow } from '@wardround/shared/files/read-at.ts';
import { createGrowingFile, type GrowingFile } from '../../state/growing-file.ts';
import { DeclineError } from '../decline-error.ts';
import type { Advanced, AdvanceTask } from '../worker-messages.ts';

/** 1 MiB of each vector: what a processor core keeps in its cache from one step to the next. */
const PIECE_WORDS = 1 << 18;

/** The reason when what is kept here cannot be gone on from: all can be computed again from the beginning. */
export const KEPT_MODEL_DAMAGED = 'kept-model-damaged';

/** How a stage's model is laid out and what it starts from. */
export interface ChainModels {
  readonly layout: typeof stageLayout;
  readonly initialPieces: typeof initialStagePieces;
}

const PLANNED: ChainModels = { layout: stageLayout, initialPieces: initialStagePieces };

/**
 * Nothing is left in the folder when it throws.
 *
 * @param options `models`: those that plans describe, unless a test has others.
 * @throws {DeclineError} `model-chain-broken` when the coordinator's weights are not those that follow; `kept-model-damaged`.
 */
export async function advanceModel(
  task: AdvanceTask,
  { signal, models = PLANNED }: { readonly signal?: AbortSignal; readonly models?: ChainModels } = {},
): Promise<Advanced> {
  const { plan, from, links, folder } = task;
  const stage = plan.stages.find(({ name }) => name === task.stage);
  if (stage === undefined) throw new DeclineError('unknown-stage', 'Cannot go on: the plan has no stage of that name.');
  if (from !== null && from.initial !== task.initial) throw chainBroken();
  const layout = models.layout(plan, stage);
  const { size } = layout;
  await using files = new AsyncDisposableStack();
  const sums: Sum[] = [];
  for (const link of links) sums.push(await openSum(link, { plan, layout, files }));
  const kept = async (hash: Sha256Hex, options: { isHashed: boolean }) =>
    openKept(join(folder, hash), { hash, size, files, ...options });
  const weights =
    from === null
      ? startOf(models.initialPieces(plan, stage, PIECE_WORDS), task.initial)
      : await kept(from.model, { isHashed: false });
  const { momentum, secondMoment } = memoriesOf(stage);
  const vectors: Vector[] = [await openVector(weights, { folder, files })];
  for (const [start, hash] of [
    [momentum, from?.optimiserState],
    [secondMoment, from?.secondMoment],
  ] as const) {
    if (start === null) continue;
    if (from !== null && hash == null) throw keptDamaged();
    vectors.push(
      await openVector(hash == null ? filledWith(start) : await kept(hash, { isHashed: true }), { folder, files }),
    );
  }

  const rule = cohortRule(plan);
  const most = Math.max(1, ...sums.map(({ parts }) => parts.length));
  const codes = Array.from({ length: most }, () => createCodeWords(Math.min(PIECE_WORDS, size), codeBitsOf(plan)));
  for (let first = 0, turn = 0; first < size; first += PIECE_WORDS, turn += 1) {
    signal?.throwIfAborted();
    const length = Math.min(PIECE_WORDS, size - first);
    const pieces: Float32Array[] = [];
    for (const vector of vectors) pieces.push(await nextPiece(vector, { first, length, turn }));
    const [values, m = null, v = null] = pieces as [Float32Array, Float32Array?, Float32Array?];
    for (const sum of sums) {
      const own = codes.slice(0, sum.parts.length).map((words) => words.subarray(0, length));
      for (const [index, { handle }] of sum.parts.entries()) {
        const words = own[index]!;
        const position = words.BYTES_PER_ELEMENT * (sum.firstCode + first);
        readIntoNow(handle, { position, target: littleEndianBytes(words) });
      }
      const { code } = sum;
      const { server } = stage;
      const sampleCounts = sum.parts.map((part) => part.sampleCounts);
      const moved = { firstParameter: first, weights: values, momentum: m, secondMoment: v };
      if (rule === null) applySumPiece({ ...moved, codes: own[0]! }, { code, sampleCounts: sampleCounts[0]!, server });
      else applyCohortSumsPiece({ ...moved, codes: own }, { code, sampleCounts, rule, server });
      // The last one's are those that are kept, and hashed where they are written.
      if (sum !== sums.at(-1)) sum.hash.update(littleEndianBytes(values));
    }
    for (const [index, vector] of vectors.entries()) await append(vector, pieces[index]!);
  }

  const found = vectors.map(({ hash }) => hash.digest('hex') as Sha256Hex);
  const between = sums.slice(0, -1).map(({ hash, model: named }) => hash.digest('hex') === named);
  const isLast = sums.length === 0 || found[0] === sums.at(-1)!.model;
  const follows = sums.length > 0 && isLast && !between.includes(false);
  // Weights that lead to the ones that are named were those that were kept: they are read again only where they do not.
  for (const { source } of vectors.slice(follows && from !== null ? 1 : 0)) await source.requireUndamaged();
  if (sums.length > 0 && !follows) throw chainBroken();
  // The weights last: while they are missing, what else is there stands for nothing.
  for (const [index, { target }] of [...vectors.entries()].reverse()) {
    await target.keepAs(found[index]!, { isRepeatable: true });
  }
  const [model, optimiserState = null, ownSecondMoment = null] = found as [Sha256Hex, Sha256Hex?, Sha256Hex?];
  return { initial: task.initial, model, optimiserState, secondMoment: ownSecondMoment };
}

interface Sum {
  /** One, or one of each cohort. */
  readonly parts: readonly { readonly handle: FileHandle; readonly sampleCounts: readonly number[] }[];
  readonly code: UpdateCode;
  /** The word that its codes begin at. */
  readonly firstCode: number;
  readonly hash: ReturnType<typeof createHash>;
  readonly model: Sha256Hex;
}

async function openSum(
  { sum, cohortSums, sites, model }: AdvanceTask['links'][number],
  { plan, layout, files }: { plan: StudyPlan; layout: UpdateCode['layout']; files: AsyncDisposableStack },
): Promise<Sum> {
  const code: UpdateCode = { layout, ...codeTerms(plan, sites) };
  const { codeBits = 32 } = code;
  const firstCode = sampleCountWords(layout.groups.length, codeBits);
  const parts: Sum['parts'][number][] = [];
  for (const file of cohortSums ?? [sum]) {
    const handle = files.use(await open(file));
    if ((await handle.stat()).size !== updateVectorBytes(layout, codeBits)) throw chainBroken();
    const head = codeWordsFromBytes(await readAt(handle, { position: 0, bytes: (codeBits / 8) * firstCode }), codeBits);
    try {
      parts.push({ handle, sampleCounts: sumOfSampleCounts(head, code) });
    } catch {
      throw chainBroken();
    }
  }
  if (cohortSums === undefined ? cohortRule(plan) !== null : parts.length < (cohortRules(plan)?.fewest ?? Infinity)) {
    throw chainBroken();
  }
  return { parts, code, firstCode, hash: createHash('sha256'), model };
}

/** What the optimiser remembers, as it is before the first step; null for what it does not. */
function memoriesOf({ server }: Stage): { momentum: number | null; secondMoment: number | null } {
  if (server.kind === 'fedavg') return { momentum: null, secondMoment: null };
  if (server.kind === 'fedavgm') return { momentum: 0, secondMoment: null };
  return { momentum: 0, secondMoment: server.tau * server.tau };
}

/** Where a vector's numbers before the first sum come from. */
interface Source {
  /** Puts the next numbers into the target. */
  read(target: Float32Array, first: number): Promise<void> | void;
  /** Called when all were read. */
  requireUndamaged(): Promise<void> | void;
}

const filledWith = (value: number): Source => ({
  read: (target) => void target.fill(value),
  requireUndamaged: () => undefined,
});

function startOf(initialPieces: Iterable<Float32Array>, initial: Sha256Hex): Source {
  const pieces = initialPieces[Symbol.iterator]();
  const hash = createHash('sha256');
  return {
    read(target) {
      target.set(pieces.next().value as Float32Array);
      hash.update(littleEndianBytes(target));
    },
    requireUndamaged() {
      if (hash.digest('hex') !== initial) throw chainBroken();
    },
  };
}

async function openKept(
  path: string,
  options: { hash: Sha256Hex; size: number; files: AsyncDisposableStack; isHashed: boolean },
): Promise<Source> {
  const { hash, size, files, isHashed } = options;
  const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? keptDamaged() : error;
  });
  files.use(handle);
  if ((await handle.stat()).size !== 4 * size) throw keptDamaged();
  const found = createHash('sha256');
  const read = (target: Float32Array, first: number) =>
    readIntoNow(handle, { position: 4 * first, target: littleEndianBytes(target) });
  return {
    async read(target, first) {
      await read(target, first);
      if (isHashed) found.update(littleEndianBytes(target));
    },
    async requireUndamaged() {
      const piece = new Float32Array(isHashed ? 0 : PIECE_WORDS);
      for (let first = 0; first < size && !isHashed; first += PIECE_WORDS) {
        const target = piece.subarray(0, Math.min(PIECE_WORDS, size - first));
        await read(target, first);
        found.update(littleEndianBytes(target));
      }
      if (found.digest('hex') !== hash) throw keptDamaged();
    },
  };
}

function keptDamaged(): DeclineError {
  return new DeclineError(
    KEPT_MODEL_DAMAGED,
    'Cannot go on from the weights that this site has kept: they are damaged or of an earlier version.',
  );
}

/** The weights, or one of the optimiser's memories, on the way from one file to the next. */
interface Vector {
  readonly source: Source;
  readonly target: GrowingFile;
  readonly hash: ReturnType<typeof createHash>;
  /** Used in turn: while one is written the other is worked on. */
  readonly buffers: readonly [Float32Array, Float32Array];
}

async function openVector(
  source: Source,
  { folder, files }: { folder: string; files: AsyncDisposableStack },
): Promise<Vector> {
  const target = files.use(await createGrowingFile(folder));
  const buffers = [new Float32Array(PIECE_WORDS), new Float32Array(PIECE_WORDS)] as const;
  return { source, target, hash: createHash('sha256'), buffers };
}

async function nextPiece(
  { source, buffers }: Vector,
  { first, length, turn }: { first: number; length: number; turn: number },
): Promise<Float32Array> {
  const piece = buffers[turn % 2]!.subarray(0, length);
  await source.read(piece, first);
  return piece;
}

async function append({ hash, target }: Vector, piece: Float32Array): Promise<void> {
  hash.update(littleEndianBytes(piece));
  await target.write(littleEndianBytes(piece));
}

export function chainBroken(): DeclineError {
  return new DeclineError(
    'model-chain-broken',
    'Cannot go on: the coordinator’s weights are not those that follow from the plan and the published sums.',
  );
}
