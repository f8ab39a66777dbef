/** How a long training keeps its place, so that a restart goes on from there to the same end instead of beginning anew. */
import type { AdamWState } from '@wardround/shared/learning/optimisers/adamw.ts';

/** Where a training stands between two steps. Batches, views and learning rates follow from the number of steps. */
export interface TrainingPlace {
  /** Steps taken. */
  readonly steps: number;
  readonly optimisers: Readonly<Record<string, AdamWState>>;
  /** What is added up over the round. */
  readonly sums: Readonly<Record<string, number>>;
  /** What a private training draws its noise from. */
  readonly secret: Uint8Array | null;
}

export interface PlaceKeeper {
  /** Where the same training stood when it was interrupted; null where it begins. */
  readonly found: TrainingPlace | null;
  /** Called after each step; keeps the place when it is time. Durable when it resolves. */
  afterStep(place: () => Promise<TrainingPlace>): Promise<void>;
}

/** How often a place is kept: what an interruption costs at most. */
export interface PlaceInterval {
  readonly everyMillis: number;
  /** Kept after so many steps too, however short they are. */
  readonly everySteps: number;
}

export const DEFAULT_PLACE_INTERVAL: PlaceInterval = { everyMillis: 5 * 60_000, everySteps: 5000 };

export function createPlaceKeeper(
  found: TrainingPlace | null,
  options: PlaceInterval & {
    readonly keep: (place: TrainingPlace) => Promise<void>;
    readonly nowMillis?: () => number;
  },
): PlaceKeeper {
  const { everyMillis, everySteps, keep, nowMillis = () => performance.now() } = options;
  let lastMillis = nowMillis();
  let steps = 0;
  return {
    found,
    async afterStep(place) {
      steps += 1;
      if (steps < everySteps && nowMillis() - lastMillis < everyMillis) return;
      await keep(await place());
      steps = 0;
      // From now on, as keeping takes its time too.
      lastMillis = nowMillis();
    },
  };
}
