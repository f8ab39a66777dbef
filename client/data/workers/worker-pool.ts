/**
 * A few worker threads that answer jobs one after the other. A worker that dies or takes too long over a job is replaced,
 * and only that job is lost: its answer says so, the jobs behind it go to another worker.
 */
import { Worker } from 'node:worker_threads';

export type LossOfJob = 'crashed' | 'timed-out';

export interface WorkerPoolOptions<Answer> {
  /** A module that calls `answerJobs` (answer-jobs.ts). */
  readonly script: URL;
  readonly workers: number;
  /** Handed to each worker at its start. */
  readonly workerData: unknown;
  readonly timeoutMillis: number;
  /** What a job that cost its worker answers. */
  readonly lost: (how: LossOfJob) => Answer;
  readonly signal?: AbortSignal | undefined;
}

export interface WorkerPool<Job, Answer> {
  /** @throws the signal's reason after an abort, an Error when no worker can be started or the pool is closed. */
  run(job: Job): Promise<Answer>;
  close(): Promise<void>;
}

interface Task<Job, Answer> {
  readonly job: Job;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

interface Slot<Job, Answer> {
  worker: Worker;
  /** The first is being worked on; one more waits so that the worker never idles for a round trip. */
  tasks: Task<Job, Answer>[];
  ready: boolean;
  timer: NodeJS.Timeout | undefined;
}

const TASKS_IN_FLIGHT = 2;
const FAILED_STARTS_ALLOWED = 3;
/** JavaScript heap of one worker; image buffers lie outside it and are bounded by the limits of what is read. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 768, maxYoungGenerationSizeMb: 64, stackSizeMb: 4 };

export function createWorkerPool<Job, Answer>(options: WorkerPoolOptions<Answer>): WorkerPool<Job, Answer> {
  const { script, workers, workerData, timeoutMillis, lost, signal } = options;
  const waiting: Task<Job, Answer>[] = [];
  const slots = new Set<Slot<Job, Answer>>();
  let failedStarts = 0;
  let stopped: { readonly error: unknown } | null = null;

  const start = () => {
    const worker = new Worker(script, {
      workerData,
      resourceLimits: RESOURCE_LIMITS,
      execArgv: [],
      stdout: true,
      stderr: true,
    });
    // What a library prints about a file goes nowhere.
    worker.stdout.resume();
    worker.stderr.resume();
    return worker;
  };

  const watch = (slot: Slot<Job, Answer>) => {
    clearTimeout(slot.timer);
    slot.timer =
      slot.ready && slot.tasks.length > 0 ? setTimeout(() => replace(slot, 'timed-out'), timeoutMillis) : undefined;
  };

  const feed = (slot: Slot<Job, Answer>) => {
    while (slot.tasks.length < TASKS_IN_FLIGHT) {
      const task = waiting.shift();
      if (task === undefined) return;
      slot.tasks.push(task);
      slot.worker.postMessage(task.job);
      if (slot.tasks.length === 1) watch(slot);
    }
  };

  const add = () => {
    const slot: Slot<Job, Answer> = { worker: start(), tasks: [], ready: false, timer: undefined };
    slots.add(slot);
    slot.worker.on('message', (message: { ready: true } | { answer: Answer }) => {
      if ('ready' in message) {
        slot.ready = true;
        failedStarts = 0;
        watch(slot);
        return;
      }
      slot.tasks.shift()?.resolve(message.answer);
      feed(slot);
      watch(slot);
    });
    slot.worker.on('error', () => replace(slot, 'crashed'));
    slot.worker.on('messageerror', () => replace(slot, 'crashed'));
    slot.worker.on('exit', () => replace(slot, 'crashed'));
    feed(slot);
  };

  const replace = (slot: Slot<Job, Answer>, how: LossOfJob) => {
    if (!slots.delete(slot)) return;
    clearTimeout(slot.timer);
    void slot.worker.terminate();
    if (!slot.ready) failedStarts += 1;
    else slot.tasks.shift()?.resolve(lost(how));
    waiting.unshift(...slot.tasks);
    if (failedStarts > FAILED_STARTS_ALLOWED) {
      void stop(
        new Error('Cannot read the data: the worker threads do not start. Check memory limits and the installation.'),
      );
    } else if (stopped === null && waiting.length > 0) add();
  };

  const stop = async (error: unknown) => {
    if (stopped === null) stopped = { error };
    signal?.removeEventListener('abort', onAbort);
    const open = [...slots];
    slots.clear();
    for (const task of [...open.flatMap((slot) => slot.tasks), ...waiting.splice(0)]) task.reject(stopped.error);
    await Promise.all(
      open.map((slot) => {
        clearTimeout(slot.timer);
        return slot.worker.terminate();
      }),
    );
  };
  const onAbort = () => void stop(signal?.reason);

  if (signal?.aborted) stopped = { error: signal.reason };
  else signal?.addEventListener('abort', onAbort, { once: true });

  return {
    run: (job) =>
      new Promise((resolve, reject) => {
        if (stopped !== null) {
          reject(stopped.error);
          return;
        }
        waiting.push({ job, resolve, reject });
        const [idlest] = [...slots].sort((a, b) => a.tasks.length - b.tasks.length);
        if (idlest?.tasks.length === 0 || slots.size >= workers) feed(idlest!);
        else add();
      }),
    close: () => stop(new Error('Cannot read the data: the worker threads were closed.')),
  };
}
