import type { Engine } from '../open-engine.ts';
import { openFixedTraining } from './fixed-training.ts';

/** The step that is timed: small, so that the slowest engine takes it in seconds. */
export const timedStep = { slices: 4, imageSizePixels: 64 } as const;

const ENOUGH_MILLIS = 2000;

/** Steps of slice pretraining a second: at least two seconds of them, after one that warms the engine up. */
export async function stepsPerSecond(engine: Engine): Promise<number> {
  const training = openFixedTraining(engine, timedStep);
  try {
    const warmUpMillis = await timed(training.step);
    // Where one step takes so long, what the first one needs beside it does not count.
    if (warmUpMillis > 2 * ENOUGH_MILLIS) return 1000 / warmUpMillis;
    let steps = 0;
    let millis = 0;
    while (millis < ENOUGH_MILLIS) {
      millis += await timed(training.step);
      steps += 1;
    }
    return (1000 * steps) / millis;
  } finally {
    training.dispose();
  }
}

async function timed(step: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await step();
  return performance.now() - start;
}
