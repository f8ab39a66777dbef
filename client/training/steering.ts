/** How a long computation is watched and stopped. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PlaceKeeper } from './place-keeper.ts';

export interface StepReport {
  readonly done: number;
  readonly total: number;
  /** Loss of the last step, where there is one. */
  readonly loss: number | null;
  /** Samples a second since the computation began. */
  readonly perSecond: number | null;
}

export interface Steering {
  readonly signal: AbortSignal;
  readonly onProgress: (report: StepReport) => void;
  /** Keeps the place of a training that is worth it. */
  readonly place?: PlaceKeeper | undefined;
}

/** Lets waiting messages in, one of which may be the wish to stop; throws the signal's reason if it was. */
export async function betweenSteps(signal: AbortSignal): Promise<void> {
  await nextTurn();
  signal.throwIfAborted();
}
