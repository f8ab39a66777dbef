/**
 * Masks a long vector in several threads. It passes from its file through a ring of pieces: each thread reads the next
 * piece that nobody has taken, masks it, and waits where the ring is full, so that memory does not grow with the vector.
 *
 * The threads are kept for the next vector and keep no process alive. When one fails all are ended, and the vector is of no
 * use any more.
 */
import type { FileHandle } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { CodeBits, CodeWords } from '../bytes/code-words.ts';
import type { Mask } from './mask-generator.ts';
import { type MaskCommand, maskNextPiece, PIECE_BYTES, pieceIn, pieceWords, progressOf } from './mask-pieces.ts';

/** Sees the masked pieces one after the other, in order, while others are still being masked. */
type OnPiece = (piece: CodeWords<SharedArrayBuffer>) => void | Promise<void>;

export interface MaskingThreads {
  /**
   * Adds the masks to the words of a file, which stays as it is. A piece's memory is used again once `onPiece` has settled.
   *
   * @param options `words`, how long the vector is, and what each word `behind` the file's own is; `codeBits` of a word,
   *   32 where left out.
   * @throws {RangeError} when the file does not hold whole words, or more than the vector has.
   * @throws {Error} when a thread fails or was closed; the signal's reason; what `onPiece` throws.
   */
  maskFile(
    file: FileHandle,
    masks: readonly Mask[],
    options: {
      readonly words: number;
      readonly behind: number;
      readonly codeBits?: CodeBits | undefined;
      readonly onPiece: OnPiece;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<void>;
  close(): Promise<void>;
}

/**
 * The young generation of a thread, in MB. Streams are short-lived buffers, and this decides how many of them wait to be
 * collected: 16 threads would otherwise hold half a gigabyte.
 */
const YOUNG_GENERATION_MB = 2;
/** More threads than this only wait for memory. */
const MOST_THREADS = 16;
/** For each thread one piece that it masks and one that waits to be handed out. */
const SLOTS_PER_THREAD = 2;

/** @param options `threads`, with the caller's own: one a core where left out, and 16 at most. They start with the first vector that is worth it. */
export function openMaskingThreads(options: { readonly threads?: number } = {}): MaskingThreads {
  const { threads = Math.min(availableParallelism(), MOST_THREADS) } = options;
  let workers: Worker[] = [];
  let last: Promise<unknown> = Promise.resolve();

  const end = async () => {
    const ending = workers;
    workers = [];
    await Promise.all(ending.map((worker) => worker.terminate()));
  };

  const start = () => {
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB };
    workers = Array.from({ length: threads - 1 }, () => {
      const worker = new Worker(new URL('./mask-worker.ts', import.meta.url), { resourceLimits, execArgv: [] });
      worker.unref();
      return worker;
    });
  };

  const maskTogether = async (
    command: MaskCommand,
    { onPiece, signal }: { onPiece: OnPiece; signal?: AbortSignal | undefined },
  ): Promise<void> => {
    const isWorthThreads = command.words > pieceWords(command.ring);
    if (isWorthThreads && workers.length === 0) start();
    const team = isWorthThreads ? workers : [];
    const failures = new AbortController();
    const answers = team.map((worker) => answerOf(worker, { command, signal: failures.signal }));
    const handing = handOut(command, { onPiece, stopped: failures.signal, signal });
    try {
      // Both: the threads can be done before the last pieces were handed out.
      await Promise.all([...answers, handing]);
    } catch (error) {
      failures.abort();
      if (team.length > 0) await end();
      // Nothing is handed out any more when this returns; what waits for a piece wakes and finds that it is over.
      const { masked } = command.progress;
      for (let slot = 0; slot < masked.length; slot += 1) Atomics.notify(masked, slot);
      await handing.catch(() => undefined);
      throw error;
    } finally {
      failures.abort();
    }
  };

  const inTurn = (run: () => Promise<void>): Promise<void> => {
    const result = last.then(run);
    last = result.catch(() => undefined);
    return result;
  };

  return {
    maskFile: (file, masks, { words, behind, codeBits = 32, onPiece, signal }) =>
      inTurn(async () => {
        const { size } = await file.stat();
        const width = codeBits / 8;
        if (size % width !== 0 || size > width * words) {
          throw new RangeError(
            `Cannot mask the vector: its file must hold whole ${codeBits}-bit numbers, ${words} at most, found ${size} bytes`,
          );
        }
        const slots = Math.min(SLOTS_PER_THREAD * threads, Math.ceil((width * words) / PIECE_BYTES));
        const memory = new SharedArrayBuffer(PIECE_BYTES * slots);
        const ring = codeBits === 16 ? new Int16Array(memory) : new Int32Array(memory);
        const source = { descriptor: file.fd, words: size / width, behind };
        await maskTogether({ words, ring, file: source, masks, progress: progressOf(ring) }, { onPiece, signal });
      }),
    close: end,
  };
}

/** Hands the pieces to `onPiece` in order, each when it and those before it are masked, and masks others until then. */
async function handOut(
  command: MaskCommand,
  options: {
    readonly onPiece: OnPiece;
    readonly stopped: AbortSignal;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { onPiece, stopped, signal } = options;
  const { masked, handedOut } = command.progress;
  const pieces = Math.ceil(command.words / pieceWords(command.ring));
  for (let piece = 0; piece < pieces; piece += 1) {
    const slot = piece % masked.length;
    for (;;) {
      signal?.throwIfAborted();
      if (stopped.aborted) return;
      const found = Atomics.load(masked, slot);
      if (found === piece + 1) break;
      if (maskNextPiece(command, { waits: false })) await turn();
      else await Atomics.waitAsync(masked, slot, found).value;
    }
    await onPiece(pieceIn(command, piece));
    Atomics.add(handedOut, 0, 1);
    Atomics.notify(handedOut, 0);
  }
}

/** Resolves when the thread has no piece left to take. */
function answerOf(
  worker: Worker,
  options: { readonly command: MaskCommand; readonly signal: AbortSignal },
): Promise<void> {
  const { command, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const failed = () => reject(new Error('Cannot mask the vector: one of the masking threads ended.'));
  const listeners = { message: () => resolve(), error: failed, exit: failed };
  for (const [event, listener] of Object.entries(listeners)) worker.on(event, listener);
  signal.addEventListener('abort', () => {
    for (const [event, listener] of Object.entries(listeners)) worker.off(event, listener);
    worker.unref();
  });
  worker.ref();
  worker.postMessage(command);
  return promise;
}
