/** What one local round of a stage takes and gives. */
import type { TrainingFigures } from '@wardround/protocols/session/messages.ts';
import type { SlicePretrainingStage, StudyPlan } from '@wardround/protocols/study/plan.ts';
import { DeclineError } from './decline-error.ts';

export interface PretrainingRound {
  readonly plan: StudyPlan;
  readonly stage: SlicePretrainingStage;
  /** From 1. */
  readonly round: number;
  /** The stage's weights at the start of the round. */
  readonly weights: Float32Array;
}

export interface RoundTraining {
  /** The stage's weights after the local steps, in layout order. */
  readonly weights: Float32Array;
  /** Per layout group: how many different samples (slices or patients) trained it. A sample seen in several epochs counts once. */
  readonly sampleCounts: Readonly<Record<string, number>>;
  readonly figures: TrainingFigures;
}

const notFinite = () =>
  new DeclineError(
    'training-not-finite',
    'Cannot go on training: the loss or a weight is no longer a finite number. The learning rate or the data may be at fault.',
  );

/** @throws {DeclineError} `training-not-finite`: such weights must neither be sent nor kept for the next round. */
export function requireFinite(weights: Float32Array | null): void {
  if (weights !== null && !weights.every(Number.isFinite)) throw notFinite();
}

/** Adds up the figures of a round while its steps are taken. */
export interface RoundFigures {
  step(loss: number, samples: number): void;
  perSecond(): number | null;
  figures(): TrainingFigures;
  /** What they are made from, for one that goes on `from` it. */
  sums(): Readonly<Record<'losses' | 'steps' | 'samples' | 'seconds', number>>;
}

/** @param options `from`: the sums of the same round before it was interrupted. */
export function createRoundFigures({
  from = {},
  nowMillis = () => performance.now(),
}: {
  readonly from?: Readonly<Record<string, number>> | undefined;
  readonly nowMillis?: () => number;
} = {}): RoundFigures {
  const startMillis = nowMillis();
  let { losses = 0, steps = 0, samples = 0 } = from;
  const { seconds: before = 0 } = from;
  const seconds = () => before + (nowMillis() - startMillis) / 1000;
  return {
    step(loss, count) {
      if (!Number.isFinite(loss)) throw notFinite();
      losses += loss;
      steps += 1;
      samples += count;
    },
    perSecond: () => (seconds() > 0 ? samples / seconds() : null),
    figures: () => ({ loss: losses / Math.max(steps, 1), steps, samples, seconds: seconds() }),
    sums: () => ({ losses, steps, samples, seconds: seconds() }),
  };
}
