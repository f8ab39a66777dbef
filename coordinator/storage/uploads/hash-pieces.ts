/**
 * Hashing of uploads beside the event loop, which has sites to answer: each piece by itself, since its site signed for it,
 * and the whole as its pieces come. The pieces are read back from the operating system's memory; nothing is copied between threads.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';

export interface HashTask {
  readonly id: number;
  readonly upload: number;
  readonly task: /** Reads on; what is not the announced piece leaves no trace in the whole's hash. */
    | {
        readonly kind: 'add';
        readonly fd: number;
        readonly position: number;
        readonly bytes: number;
        readonly sha256: Sha256Hex;
      }
    | { readonly kind: 'digest' }
    | { readonly kind: 'forget' };
}

export interface HashAnswer {
  readonly id: number;
  /** Whether the piece was the announced one, or the whole's hash. */
  readonly result?: boolean | string;
  readonly error?: string;
}

/** One file's hash in the making. Calls are done one after another. */
export interface PieceHasher {
  /** Adds the file's next bytes to the whole's hash; false, and nothing was added, when they are not those of `sha256`. */
  add(piece: {
    readonly fd: number;
    readonly position: number;
    readonly bytes: number;
    readonly sha256: Sha256Hex;
  }): Promise<boolean>;
  /** The hash of everything that was added. */
  digest(): Promise<Sha256Hex>;
  /** Forgets the hash; the hasher may not be used afterwards. */
  close(): void;
}

export interface HashingThreads {
  open(): PieceHasher;
  close(): Promise<void>;
}

/** Two hash 1.5 GB a second on most machines; each takes 10 MB. */
const mostThreads = 2;
const youngGenerationMegabytes = 2;

interface Thread {
  ask(upload: number, task: HashTask['task']): Promise<HashAnswer['result']>;
  end(): Promise<unknown>;
}

/** The threads start with the first upload. A thread that dies is replaced; the uploads it hashed are hashed anew. */
export function startHashingThreads(): HashingThreads {
  const threads: (Thread | null)[] = new Array(Math.max(1, Math.min(mostThreads, availableParallelism() - 1))).fill(
    null,
  );
  let uploads = 0;
  return {
    open() {
      const upload = ++uploads;
      const slot = upload % threads.length;
      threads[slot] ??= startThread(() => {
        threads[slot] = null;
      });
      const thread = threads[slot];
      return {
        add: async ({ fd, position, bytes, sha256 }) =>
          (await thread.ask(upload, { kind: 'add', fd, position, bytes, sha256 })) === true,
        digest: async () => String(await thread.ask(upload, { kind: 'digest' })),
        close: () => void thread.ask(upload, { kind: 'forget' }).catch(() => undefined),
      };
    },
    async close() {
      await Promise.all(threads.splice(0).map((thread) => thread?.end()));
    },
  };
}

function startThread(onEnd: () => void): Thread {
  const waiting = new Map<
    number,
    { resolve: (result: HashAnswer['result']) => void; reject: (error: Error) => void }
  >();
  let lastId = 0;
  let hasEnded = false;
  const worker = new Worker(new URL('./hash-pieces-worker.js', import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMegabytes },
    execArgv: [],
  });
  worker.unref();
  const end = (): void => {
    if (!hasEnded) onEnd();
    hasEnded = true;
    for (const { reject } of waiting.values()) reject(new Error('The hashing thread ended'));
    waiting.clear();
  };
  worker.on('message', ({ id, result, error }: HashAnswer) => {
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    if (error === undefined) waiter?.resolve(result);
    else waiter?.reject(Object.assign(new Error('Cannot hash the piece: it cannot be read'), { code: error }));
  });
  worker.on('error', end);
  worker.on('exit', end);
  return {
    ask: (upload, task) =>
      new Promise((resolve, reject) => {
        if (hasEnded) return reject(new Error('The hashing thread ended'));
        const id = ++lastId;
        waiting.set(id, { resolve, reject });
        worker.ref();
        worker.postMessage({ id, upload, task } satisfies HashTask);
      }),
    end: () => worker.terminate(),
  };
}
