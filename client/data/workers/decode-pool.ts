/** The pool of decode workers behind `readCohort`. A file that costs its worker is quarantined like any other bad file. */
import { availableParallelism } from 'node:os';
import type { DecodeAnswer, DecodeJob, DecodeWorkerData } from './decode-jobs.ts';
import { createWorkerPool, type WorkerPool } from './worker-pool.ts';

export interface DecodePoolOptions {
  /** Key of the keyed hashes that stand for identifiers. */
  readonly key: string;
  /** Default: one less than the processor's cores, at most four. */
  readonly workers?: number | undefined;
  /** For one file; default half a minute. Whole files take milliseconds, but a damaged one can hold a codec for many seconds. */
  readonly timeoutMillis?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DecodePool extends WorkerPool<DecodeJob, DecodeAnswer> {
  /** As many jobs as keep every worker busy. */
  readonly concurrency: number;
}

const DEFAULT_TIMEOUT_MILLIS = 30_000;
const MOST_WORKERS = 4;

export function createDecodePool({ key, workers, timeoutMillis, signal }: DecodePoolOptions): DecodePool {
  const count = workers ?? Math.max(1, Math.min(availableParallelism() - 1, MOST_WORKERS));
  const data: DecodeWorkerData = { key };
  const pool = createWorkerPool<DecodeJob, DecodeAnswer>({
    script: new URL('./decode-worker.ts', import.meta.url),
    workers: count,
    workerData: data,
    timeoutMillis: timeoutMillis ?? DEFAULT_TIMEOUT_MILLIS,
    lost: (how) => ({ kind: 'unusable', reason: how === 'crashed' ? 'decoder-crashed' : 'decoder-timed-out' }),
    signal,
  });
  return { ...pool, concurrency: 3 * count };
}
