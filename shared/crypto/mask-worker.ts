/** One of the threads of mask-in-threads.ts. */
import { parentPort } from 'node:worker_threads';
import { type MaskCommand, maskNextPiece } from './mask-pieces.ts';

parentPort!.on('message', (command: MaskCommand) => {
  while (maskNextPiece(command, { waits: true }));
  for (const { key } of command.masks) key.fill(0);
  parentPort!.postMessage('done');
});
