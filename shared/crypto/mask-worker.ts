/** One of the threads of mask-in-threads.ts. */
import { parentPort } from 'node:worker_threads';
import { addMasks } from './mask-generator.ts';
import { type MaskCommand, PIECE_WORDS } from './mask-pieces.ts';

parentPort!.on('message', ({ vector, masks, progress: { taken, masked } }: MaskCommand) => {
  for (;;) {
    const piece = Atomics.add(taken, 0, 1);
    if (piece >= masked.length) break;
    const firstWord = piece * PIECE_WORDS;
    addMasks(vector.subarray(firstWord, firstWord + PIECE_WORDS), masks, { firstWord });
    Atomics.store(masked, piece, 1);
    Atomics.notify(masked, piece);
  }
  for (const { key } of masks) key.fill(0);
  parentPort!.postMessage('done');
});
