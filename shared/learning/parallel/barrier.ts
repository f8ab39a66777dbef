/**
 * Where the threads of a team wait for each other. Waiting blocks the thread, because TensorFlow.js computes gradients
 * without a pause in which a message could arrive.
 */

/** The team was stopped, or one of its threads failed, while others waited for it. What happened is told elsewhere. */
export class TeamStoppedError extends Error {
  override readonly name = 'TeamStoppedError';
}

export interface Barrier {
  /**
   * Returns once every member waits here. What they wrote to shared memory before is then seen by all.
   *
   * @throws {TeamStoppedError} when the team is stopped. @throws {Error} when a member does not come in time, which stops it.
   */
  wait(): void;
  /** Wakes all that wait, now and later, with the error. */
  stop(): void;
}

const arrived = 0;
const meeting = 1;
const stopped = 2;

/** What the members share to wait for each other. */
export function createBarrierMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT);
}

/** One member's view of the barrier. `timeoutMillis` is how much later than this member the slowest may come. */
export function openBarrier(
  memory: SharedArrayBuffer,
  { members, timeoutMillis }: { readonly members: number; readonly timeoutMillis: number },
): Barrier {
  const words = new Int32Array(memory);
  const wakeAll = () => {
    Atomics.add(words, meeting, 1);
    Atomics.notify(words, meeting);
  };
  const stop = () => {
    Atomics.store(words, stopped, 1);
    wakeAll();
  };
  const throwIfStopped = () => {
    if (Atomics.load(words, stopped) === 1) {
      throw new TeamStoppedError('Cannot go on: the other threads of the team have stopped.');
    }
  };
  return {
    stop,
    wait() {
      throwIfStopped();
      const current = Atomics.load(words, meeting);
      if (Atomics.add(words, arrived, 1) === members - 1) {
        Atomics.store(words, arrived, 0);
        wakeAll();
      } else if (Atomics.wait(words, meeting, current, timeoutMillis) === 'timed-out') {
        stop();
        throw new Error(
          `Cannot go on: another thread of the team did not come within ${timeoutMillis / 1000} seconds.`,
        );
      }
      throwIfStopped();
    },
  };
}
