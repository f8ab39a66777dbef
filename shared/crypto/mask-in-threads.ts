/**
 * Masks a long vector in several threads. The vector lies in shared memory and is never copied: each thread takes the next
 * piece that nobody has taken, and holds no more of the masks than mask-generator.ts does.
 *
 * The threads are kept for the next vector and keep no process alive. When one fails all are ended, and the vector is of no
 * use any more.
 */
import { availableParallelism } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { addMasks, type Mask } from './mask-generator.ts';
import { type MaskCommand, maskNextPiece, PIECE_WORDS, progressOf } from './mask-pieces.ts';

export interface MaskingThreads {
  /**
   * Does what `addMasks` does.
   *
   * @param options `onPiece` sees the masked pieces one after the other, in order, while others are still being masked.
   * @throws {Error} when a thread fails or was closed: the vector is then masked in part.
   */
  addMasks(
    vector: Int32Array<SharedArrayBuffer>,
    masks: readonly Mask[],
    options?: { readonly onPiece?: (piece: Int32Array) => void },
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

  const maskTogether = async (command: MaskCommand, onPiece: (piece: Int32Array) => void): Promise<void> => {
    if (workers.length === 0) start();
    const team = workers;
    const failures = new AbortController();
    const finished = Promise.all(team.map((worker) => answerOf(worker, { command, signal: failures.signal })));
    try {
      // Both: the threads can be done before the last pieces were handed out.
      await Promise.all([finished, handOut(command, { onPiece, signal: failures.signal })]);
    } catch (error) {
      await end();
      throw error;
    } finally {
      failures.abort();
    }
  };

  return {
    addMasks(vector, masks, { onPiece = () => undefined } = {}) {
      const run = async () => {
        if (threads < 2 || vector.length <= PIECE_WORDS) {
          addMasks(vector, masks);
          for (let first = 0; first < vector.length; first += PIECE_WORDS) {
            onPiece(vector.subarray(first, first + PIECE_WORDS));
          }
          return;
        }
        await maskTogether({ vector, masks, progress: progressOf(vector) }, onPiece);
      };
      const result = last.then(run);
      last = result.catch(() => undefined);
      return result;
    },
    close: end,
  };
}

/** Hands the pieces to `onPiece` in order, each when it and those before it are masked, and masks others until then. */
async function handOut(
  command: MaskCommand,
  { onPiece, signal }: { readonly onPiece: (piece: Int32Array) => void; readonly signal: AbortSignal },
): Promise<void> {
  const { vector, progress } = command;
  const { masked } = progress;
  let areLeft = true;
  for (let piece = 0; piece < masked.length; piece += 1) {
    while (Atomics.load(masked, piece) === 0) {
      if (signal.aborted) return;
      if (areLeft) {
        areLeft = maskNextPiece(command);
        await turn();
      } else await Atomics.waitAsync(masked, piece, 0).value;
    }
    onPiece(vector.subarray(piece * PIECE_WORDS, (piece + 1) * PIECE_WORDS));
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
