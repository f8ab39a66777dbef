/** The worker's side of the pool: jobs one after the other, in the order they came. */
import { parentPort, type Transferable } from 'node:worker_threads';

export interface Answered<Answer> {
  readonly answer: Answer;
  /** Buffers handed over instead of copied. */
  readonly transfer: readonly Transferable[];
}

/** @throws {TypeError} when called outside a worker thread. */
export function answerJobs<Job, Answer>(run: (job: Job) => Promise<Answered<Answer>>): void {
  const port = parentPort;
  if (port === null) throw new TypeError('Cannot answer jobs: this module runs in worker threads only.');
  let last = Promise.resolve();
  port.on('message', (job: Job) => {
    last = last.then(async () => {
      const { answer, transfer } = await run(job);
      port.postMessage({ answer }, transfer);
    });
  });
  port.postMessage({ ready: true });
}
