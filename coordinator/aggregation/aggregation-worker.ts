/** The thread's side of aggregation-thread.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import type { BlobPlace } from '../storage/blob-place.ts';
import { openBlobStores } from '../storage/open-blob-stores.ts';
import type { StateFolder } from '../storage/state-folder.ts';
import { createModelWork, type ModelWork, plannedModels, type StageModels } from './model-work.ts';

export interface AggregationThreadRequest {
  readonly id: number;
  readonly task: keyof ModelWork;
  // biome-ignore lint/suspicious/noExplicitAny: the thread's own other side wrote it, for the task it names
  readonly request: any;
}

export interface AggregationThreadAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: Error;
}

const {
  folder,
  identity,
  modelsModule,
  blobs,
}: {
  readonly folder: StateFolder;
  readonly identity: Pick<Identity, 'sealingSecret'>;
  readonly modelsModule?: string;
  readonly blobs?: BlobPlace;
} = workerData;
// Requests that come meanwhile wait at the port, which starts with its first listener.
const { models }: { readonly models: StageModels } =
  modelsModule === undefined ? { models: plannedModels } : await import(modelsModule);
const work = createModelWork({
  identity,
  ...(await openBlobStores(blobs ?? { kind: 'folder', root: folder.root })),
  models,
});

parentPort?.on('message', async ({ id, task, request }: AggregationThreadRequest) => {
  try {
    parentPort?.postMessage({ id, result: await work[task](request) } satisfies AggregationThreadAnswer);
  } catch (error) {
    const failure = error instanceof Error ? error : new Error('The model work failed');
    parentPort?.postMessage({ id, error: failure } satisfies AggregationThreadAnswer);
  }
});
