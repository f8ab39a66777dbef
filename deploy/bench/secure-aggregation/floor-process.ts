/** The least that a mask can cost here: one AES-256-CTR pass and one addition over the vector, in threads that do nothing else. */
import { createCipheriv } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { median } from '../median.ts';

export interface FloorFigures {
  /** Seconds a mask. */
  readonly oneThread: number;
  readonly allCores: number;
}

const PIECE_WORDS = 1 << 14;

/** Milliseconds of one pass over so many words. */
function pass(words: number): number {
  const zeros = new Uint8Array(4 * PIECE_WORDS);
  const mask = new Int32Array(PIECE_WORDS).fill(0x1234_5678);
  const vector = new Int32Array(words);
  vector.fill(1);
  const cipher = createCipheriv('aes-256-ctr', new Uint8Array(32), new Uint8Array(16));
  const start = performance.now();
  for (let first = 0; first < words; first += PIECE_WORDS) {
    const piece = vector.subarray(first, first + PIECE_WORDS);
    cipher.update(zeros.subarray(0, 4 * piece.length));
    add(piece, mask);
  }
  return performance.now() - start;
}

function add(piece: Int32Array, mask: Int32Array): void {
  for (let i = 0; i < piece.length; i += 1) piece[i] = (piece[i]! + mask[i]!) | 0;
}

if (!isMainThread) {
  parentPort!.on('message', () => parentPort!.postMessage(pass(workerData as number)));
} else {
  const words = Number(process.argv[2]);
  const repeats = Number(process.argv[3]);
  const single = Array.from({ length: repeats + 1 }, () => pass(words)).slice(1);
  const cores = availableParallelism();
  const self = new URL(import.meta.url);
  const workers = Array.from({ length: cores }, () => new Worker(self, { workerData: Math.ceil(words / cores) }));
  const together: number[] = [];
  for (let run = 0; run <= repeats; run += 1) {
    const slowest = await Promise.all(
      workers.map(
        (worker) =>
          new Promise<number>((resolve) => {
            worker.once('message', resolve);
            worker.postMessage('pass');
          }),
      ),
    );
    if (run > 0) together.push(Math.max(...slowest));
  }
  const figures: FloorFigures = { oneThread: median(single) / 1000, allCores: median(together) / 1000 };
  console.log(`@${JSON.stringify(figures)}`);
  process.exit();
}
