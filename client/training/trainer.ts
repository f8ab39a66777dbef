/**
 * The training thread as the main thread sees it: one task at a time, stopped by a signal. Training runs apart so that the
 * connection stays alive and a stop is obeyed at once.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { SafeError } from '../log/safe-error.ts';
import { DeclineError } from './decline-error.ts';
import type { FromWorker, Task, TaskProgress, TaskResults, ToWorker, WorkerSettings } from './worker-messages.ts';

/** The training thread failed in a way that no reason code covers. */
export class TrainingFailedError extends Error {
  override readonly name = 'TrainingFailedError';
}

export interface Trainer {
  /**
   * Runs one task.
   *
   * @throws {DeclineError} when this site cannot do it. @throws {TrainingFailedError} when the thread fails; the next task
   *   gets a new thread. When the signal aborts, its reason is thrown after the thread has stopped.
   */
  run<SomeTask extends Task>(
    task: SomeTask,
    options: { signal: AbortSignal; onProgress: (progress: TaskProgress) => void },
  ): Promise<TaskResults[SomeTask['kind']]>;
  /** Ends the thread. */
  close(): Promise<void>;
}

/** How long a stopped task may take to come to the end of its step before the thread is ended by force. */
const STOP_PATIENCE_MILLIS = 3000;

const WORKER = new URL('./worker.ts', import.meta.url);

function failureSentence({ name, message, code, where }: SafeError): string {
  return message ?? `Cannot finish the computation: ${name}${code ? ` (${code})` : ''}${where ? ` at ${where}` : ''}.`;
}

function whyThreadFailed(error: Error): string {
  return (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? 'its thread ran out of memory. Ask for a plan with smaller batches or images'
    : `its thread failed (${error.name})`;
}

export function createTrainer(
  settings: WorkerSettings,
  {
    workerUrl = WORKER,
    stopPatienceMillis = STOP_PATIENCE_MILLIS,
  }: { workerUrl?: URL; stopPatienceMillis?: number } = {},
): Trainer {
  let worker: Worker | null = null;
  let nextId = 1;
  let busy: Promise<unknown> = Promise.resolve();

  async function end(): Promise<void> {
    const ending = worker;
    worker = null;
    await ending?.terminate();
  }

  async function runAlone(
    task: Task,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: TaskProgress) => void },
  ): Promise<TaskResults[Task['kind']]> {
    signal.throwIfAborted();
    worker ??= new Worker(workerUrl, { workerData: settings });
    const current = worker;
    const id = nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<TaskResults[Task['kind']]>();
    const send = (message: ToWorker) => current.postMessage(message);
    const fail = (cause: string) => reject(new TrainingFailedError(`Cannot finish the computation: ${cause}.`));
    /** Whether the thread has said how the task ended and so is free for the next. */
    let free = false;
    const onMessage = (message: FromWorker) => {
      if (message.id !== id) return;
      if (message.kind === 'progress') return onProgress(message.progress);
      free = message.kind !== 'failed';
      if (message.kind === 'done') resolve(message.result);
      else if (message.kind === 'stopped') reject(signal.reason);
      else if (message.kind === 'declined') reject(new DeclineError(message.reason, message.message));
      else reject(new TrainingFailedError(failureSentence(message.error)));
    };
    const onEnd = () => fail('its thread ended unexpectedly');
    const onError = (error: Error) => fail(whyThreadFailed(error));
    const patience = new AbortController();
    const onAbort = async () => {
      send({ kind: 'stop', id });
      await delay(stopPatienceMillis, undefined, { signal: patience.signal }).catch(() => undefined);
      reject(signal.reason);
    };
    current.on('message', onMessage);
    current.on('exit', onEnd);
    current.on('error', onError);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      send({ kind: 'task', id, task });
      return await promise;
    } finally {
      patience.abort();
      signal.removeEventListener('abort', onAbort);
      current.off('message', onMessage);
      current.off('exit', onEnd);
      current.off('error', onError);
      if (!free) await end();
    }
  }

  return {
    run(task, options) {
      const result = busy.then(() => runAlone(task, options));
      busy = result.catch(() => undefined);
      return result as Promise<TaskResults[(typeof task)['kind']]>;
    },
    async close() {
      await end();
    },
  };
}
