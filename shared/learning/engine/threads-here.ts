import { availableParallelism, totalmem } from 'node:os';

/** What a thread may come to hold: its WebAssembly memory at the most images at once, the model and its gradient. */
const bytesOfAThread = 2 * 1024 ** 3;

/** In how many threads this process may train: one a core, fewer where memory is short for so many. */
export function threadsHere(): number {
  return threadsWithin({ cores: availableParallelism(), bytes: memoryLimit(process.constrainedMemory()) });
}

export function threadsWithin({ cores, bytes }: { readonly cores: number; readonly bytes: number }): number {
  return Math.max(1, Math.min(cores, Math.floor(bytes / bytesOfAThread)));
}

/** `constrained` is a container's limit; 0 or more than there is when there is none. */
function memoryLimit(constrained: number): number {
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
