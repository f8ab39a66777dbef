/**
 * The least that a mask can cost here: one AES-256-CTR pass and one addition, in threads that do nothing else, on bytes that
 * stay in the processor's cache.
 */
import { createCipheriv, createSecretKey } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { KERNEL_BYTES, wordKernel } from '@wardround/shared/bytes/word-kernel.ts';
import { median } from '../median.ts';

/** Seconds for each gigabyte of a mask. */
export interface FloorFigures {
  readonly oneThread: number;
  readonly allCores: number;
}

const BYTES = 1 << 26;
const REPEATS = 5;
const zeros = new Uint8Array(KERNEL_BYTES);
const kernel = wordKernel();

/** Seconds a gigabyte. */
function pass(): number {
  const cipher = createCipheriv('aes-256-ctr', createSecretKey(new Uint8Array(32)), new Uint8Array(16));
  const start = performance.now();
  for (let done = 0; done < BYTES; done += KERNEL_BYTES) {
    // Memory that is given back is taken again for the next piece.
    (cipher.update(zeros).buffer as ArrayBuffer).transfer(0);
    kernel.add32(KERNEL_BYTES);
  }
  return (performance.now() - start) / 1000 / (BYTES / 1e9);
}

if (!isMainThread) {
  parentPort!.on('message', () => parentPort!.postMessage(pass()));
} else {
  pass();
  const single = Array.from({ length: REPEATS }, pass);
  const cores = availableParallelism();
  const self = new URL(import.meta.url);
  const workers = Array.from({ length: cores }, () => new Worker(self));
  const together: number[] = [];
  for (let run = 0; run <= REPEATS; run += 1) {
    const slowest = await Promise.all(
      workers.map(
        (worker) =>
          new Promise<number>((resolve) => {
            worker.once('message', resolve);
            worker.postMessage('pass');
          }),
      ),
    );
    if (run > 0) together.push(Math.max(...slowest) / cores);
  }
  const figures: FloorFigures = { oneThread: median(single), allCores: median(together) };
  console.log(`@${JSON.stringify(figures)}`);
  process.exit();
}
