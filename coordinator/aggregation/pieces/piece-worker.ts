/** One of the threads of piece-threads.ts. */
import { parentPort } from 'node:worker_threads';
import type { SumJob } from './move-piece.ts';
import { type PieceMessage, type PieceReply, pieceWork } from './piece-work.ts';

let current: SumJob | null = null;

function forget(): void {
  for (const { masks, vectors } of current?.sums ?? []) {
    for (const { key } of masks) key.fill(0);
    for (const { body } of vectors) body.contentKey.fill(0);
  }
  current = null;
}

parentPort!.on('message', ({ id, task, request, job }: PieceMessage) => {
  if (task === null) return forget();
  if (job !== undefined) {
    forget();
    current = job;
  }
  try {
    const answer: unknown = pieceWork[task](request, current);
    parentPort!.postMessage({ id, answer } satisfies PieceReply);
  } catch (error) {
    const failure = error instanceof Error ? error : new Error('The work on a piece failed');
    parentPort!.postMessage({ id, error: failure } satisfies PieceReply);
  }
});
