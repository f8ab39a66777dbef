import type { Barrier } from './barrier.ts';

/**
 * Puts this member's numbers at `offset`, waits for the others, and gives a copy of all `total` numbers.
 *
 * @throws {TeamStoppedError} when the others do not come.
 */
export type Exchange = (own: Float32Array, place: { readonly offset: number; readonly total: number }) => Float32Array;

/** Memory for exchanges of up to `total` numbers. */
export function createExchangeMemory(total: number): SharedArrayBuffer {
  return new SharedArrayBuffer(2 * total * Float32Array.BYTES_PER_ELEMENT);
}

/**
 * One member's end of the exchanges through `memory`.
 *
 * @throws {RangeError} from the exchange, when there are more numbers than the memory was made for.
 */
export function openExchange(memory: SharedArrayBuffer, barrier: Barrier): Exchange {
  // Two halves in turn: who writes again has met the others once more since they read this half, so they need not meet twice.
  const numbers = new Float32Array(memory);
  const most = numbers.length / 2;
  let turn = 0;
  return (own, { offset, total }) => {
    if (total > most || offset + own.length > total) {
      throw new RangeError(
        `Cannot exchange ${own.length} numbers at ${offset} of ${total}: there is room for ${Math.min(total, most)}`,
      );
    }
    const start = turn * most;
    turn = 1 - turn;
    numbers.set(own, start + offset);
    barrier.wait();
    return numbers.slice(start, start + total);
  };
}
