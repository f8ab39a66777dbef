/**
 * The model work in a thread of its own, which hands its parts to others (pieces/piece-threads.ts) and hashes and writes
 * what they give: the event loop has sites to answer. Uploads are looked at beside one another, sums made one after the
 * other. A thread that dies is replaced with the next request; requests are repeatable, so the caller asks again. Those
 * that it had started end with it.
 */
import { Worker } from 'node:worker_threads';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import type { BlobPlace } from '../storage/blob-place.ts';
import type { StateFolder } from '../storage/state-folder.ts';
import type { AggregationThreadAnswer, AggregationThreadRequest } from './aggregation-worker.ts';
import type { ModelWork } from './model-work.ts';

export interface AggregationThread extends ModelWork {
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export function startAggregationThread(options: {
  readonly folder: StateFolder;
  readonly identity: Pick<Identity, 'sealingSecret'>;
  /** Where the blobs are, when they are not in the state folder. */
  readonly blobs?: BlobPlace | undefined;
  /** Other models than the plans describe: a module that exports them as `models`. */
  readonly modelsModule?: string | undefined;
}): AggregationThread {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | null = null;
  let lastId = 0;

  const start = (): Worker => {
    const started = new Worker(new URL('./aggregation-worker.ts', import.meta.url), { workerData: options });
    const fail = (error: Error): void => {
      if (worker === started) worker = null;
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    };
    started.on('message', ({ id, result, error }: AggregationThreadAnswer) => {
      const waiter = waiting.get(id);
      waiting.delete(id);
      if (waiting.size === 0) started.unref();
      if (error === undefined) waiter?.resolve(result);
      else waiter?.reject(error);
    });
    started.on('error', (error) => fail(error instanceof Error ? error : new Error('The aggregation thread failed')));
    started.on('exit', () => fail(new Error('The aggregation thread ended before it answered')));
    return started;
  };

  const call = (task: AggregationThreadRequest['task'], request: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker ??= start();
      worker.ref();
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, task, request });
    });

  return {
    prepareStage: (request) => call('prepareStage', request) as ReturnType<ModelWork['prepareStage']>,
    inspectUpdate: (request) => call('inspectUpdate', request) as ReturnType<ModelWork['inspectUpdate']>,
    inspectMasked: (request) => call('inspectMasked', request) as ReturnType<ModelWork['inspectMasked']>,
    aggregate: (request) => call('aggregate', request) as ReturnType<ModelWork['aggregate']>,
    async close() {
      await worker?.terminate();
      worker = null;
    },
  };
}
