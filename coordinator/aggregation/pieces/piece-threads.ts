/**
 * Threads for work on vectors that are too large to hold: they read what they need from files that their caller keeps open,
 * and leave results in memory that both share.
 *
 * They start with the first work, are kept for the next, and keep no process alive. When one dies, what it was doing fails
 * and another takes its place with the next work; its caller asks again.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SumJob } from './move-piece.ts';
import {
  type PieceAnswer,
  type PieceMessage,
  type PieceReply,
  type PieceRequest,
  type PieceTask,
  pieceWork,
} from './piece-work.ts';

export interface PieceThreads {
  readonly count: number;
  /**
   * @param options `job`: for `movePiece`, the sum that the piece is of; one object a sum.
   * @throws {Error} when the thread dies; the files that the request names are not read any more then.
   */
  run<Task extends PieceTask>(
    task: Task,
    request: PieceRequest<Task>,
    options?: { readonly job?: SumJob },
  ): Promise<PieceAnswer<Task>>;
  /** Takes a job's secrets out of the threads' memory. */
  forget(job: SumJob): void;
  close(): Promise<void>;
}

/**
 * The young generation of a thread, in MB: opened segments are short-lived buffers, and this decides how many of them wait
 * to be collected.
 */
const YOUNG_GENERATION_MB = 2;
/** More threads than this only wait for memory and the disk. One core is left to whoever hashes and writes what they give. */
const MOST_THREADS = 15;

interface Waiting {
  readonly task: PieceTask;
  readonly request: unknown;
  readonly job: SumJob | undefined;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  /** What it is doing. */
  busy: Waiting | null;
  /** Which job it knows. */
  job: SumJob | undefined;
}

/** @param options `threads`: one a core but for one where left out, and 15 at most. */
export function openPieceThreads(options: { readonly threads?: number } = {}): PieceThreads {
  const { threads: count = Math.min(Math.max(1, availableParallelism() - 1), MOST_THREADS) } = options;
  const threads = new Set<Thread>();
  const queue: Waiting[] = [];
  let lastId = 0;

  const start = (): Thread => {
    const worker = new Worker(new URL('./piece-worker.ts', import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      execArgv: [],
    });
    worker.unref();
    const thread: Thread = { worker, busy: null, job: undefined };
    threads.add(thread);
    let problem = '';
    worker.on('message', ({ answer, error }: PieceReply) => {
      const { busy } = thread;
      thread.busy = null;
      worker.unref();
      if (error === undefined) busy?.resolve(answer);
      else busy?.reject(error);
      next();
    });
    worker.on('error', (error) => {
      problem = error instanceof Error ? `: ${error.message}` : '';
    });
    // Only now does it read no file any more.
    worker.on('exit', () => {
      threads.delete(thread);
      thread.busy?.reject(new Error(`Cannot add the updates: one of the threads that add them ended${problem}`));
      next();
    });
    return thread;
  };

  function next(): void {
    while (queue.length > 0) {
      const idle = [...threads].filter(({ busy }) => busy === null);
      // The one that knows the job already, if there is one.
      const thread =
        idle.find(({ job }) => job === queue[0]!.job) ?? idle[0] ?? (threads.size < count ? start() : null);
      if (thread === null) return;
      const waiting = queue.shift()!;
      const { task, request, job } = waiting;
      const isNew = job !== undefined && thread.job !== job;
      if (isNew) thread.job = job;
      thread.busy = waiting;
      thread.worker.ref();
      thread.worker.postMessage({ id: ++lastId, task, request, ...(isNew && { job }) } satisfies PieceMessage);
    }
  }

  return {
    count,
    run: (task, request, { job } = {}) =>
      new Promise<never>((resolve, reject) => {
        queue.push({ task, request, job, resolve: resolve as Waiting['resolve'], reject });
        next();
      }),
    forget(job) {
      for (const thread of threads) {
        if (thread.job !== job) continue;
        thread.job = undefined;
        thread.worker.postMessage({ id: 0, task: null, request: null } satisfies PieceMessage);
      }
    },
    async close() {
      for (const { reject } of queue.splice(0))
        reject(new Error('Cannot add the updates: the coordinator is stopping'));
      await Promise.all([...threads].map(({ worker }) => worker.terminate()));
    },
  };
}

/** The same in the caller's own thread: for what is sooner done than handed over. */
export const runHere: PieceThreads['run'] = async (task, request, { job } = {}) => {
  const work: (request: unknown, job: SumJob | null) => unknown = pieceWork[task] as never;
  return work(request, job ?? null) as never;
};
