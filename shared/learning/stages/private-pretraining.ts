/**
 * Slice pretraining by SimCLR under patient-level differential privacy (DP-SGD, Abadi et al. 2016, arXiv 1607.00133): a Poisson
 * sample of patients in independent groups, each group's gradient clipped, discrete Gaussian noise, AdamW.
 *
 * What comes out, `parameters()`, is private at the price that `spent()` names. Losses are not and do not come out.
 */
import { drawPatientGroups } from '../../privacy/patient-groups.ts';
import { createPrivateSum } from '../../privacy/private-sum.ts';
import { createRandomWords, type RandomBytes, type RandomWords } from '../../privacy/random-words.ts';
import type { RepeatedGaussian } from '../../privacy/rdp.ts';
import { createRandom } from '../../random/seeded-random.ts';
import { slicePretrainingLayout } from '../../tensors/layouts/slice-pretraining.ts';
import type { Engine } from '../engine/open-engine.ts';
import { type AdamWState, createAdamW } from '../optimisers/adamw.ts';
import { learningRateAt } from '../optimisers/learning-rate-schedule.ts';
import { addGroupGradients } from './private-gradient.ts';
import type { SlicePretrainingOptions } from './slice-pretraining-options.ts';

export interface PrivatePretrainingOptions extends Omit<SlicePretrainingOptions, 'threads'> {
  readonly privacy: {
    /** Standard deviation of the noise divided by the sensitivity, which is twice the clip. */
    readonly noiseMultiplier: number;
    /** A group's gradient is scaled down to this L2 norm. */
    readonly clip: number;
    /** The probability with which each patient takes part in a step. */
    readonly samplingRate: number;
    readonly groups: number;
    /** At most so many slices of a patient take part in a step, drawn anew each time. */
    readonly slicesPerPatient: number;
  };
  /** Every patient's slices, by index; each patient appears once. */
  readonly patients: readonly (readonly number[])[];
  /** The slices' pixels 0..1, row after row. */
  readonly readSlices: (slices: readonly number[]) => Float32Array;
  /**
   * A cryptographic source for each step, from 1: who can guess the sample or the noise can undo them. A round that goes on
   * `from` a step needs the same sources again to end as it would have ended.
   */
  readonly randomBytesAt: (step: number) => RandomBytes;
}

export interface PrivatePretraining {
  /** One optimiser step, also where no patient was sampled: the noise is what hides that. */
  step(options: { readonly progress: number; readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** What the steps so far cost, for the accountant. */
  spent(): RepeatedGaussian;
  /** A copy of the current parameters, in the order they came. */
  parameters(): Promise<Float32Array>;
  /** A copy of all that the next step builds on, the source of randomness apart. */
  state(): Promise<AdamWState>;
  dispose(): void;
}

/**
 * Opens one local round of private slice pretraining.
 *
 * @throws {TypeError} when the parameters do not fit the layout.
 * @throws {RangeError} when a privacy setting is outside its range.
 */
export function createPrivatePretraining(engine: Engine, options: PrivatePretrainingOptions): PrivatePretraining {
  const { tf } = engine;
  const { noiseMultiplier, clip, samplingRate, groups, slicesPerPatient } = options.privacy;
  if (!(Number.isInteger(slicesPerPatient) && slicesPerPatient >= 1)) {
    throw new RangeError(`Cannot train privately: needed at least 1 slice a patient, found ${slicesPerPatient}`);
  }
  const layout = slicePretrainingLayout(options);
  const draw = (words: RandomWords) =>
    drawPatientGroups(words, { patients: options.patients.length, samplingRate, groups });
  const sum = createPrivateSum({ size: layout.size, clip, noiseMultiplier });
  // The gradient is clipped already, and noise that were clipped again would only drown it more.
  const adamW = {
    ...options.optimiser,
    clipNorm: Number.POSITIVE_INFINITY,
    values: options.parameters,
    from: options.from,
  };
  const optimiser = createAdamW(engine, layout, adamW);
  const random = createRandom(options.seed);
  let steps = options.from?.steps ?? 0;

  function* imagesOf(drawn: readonly (readonly number[])[], words: RandomWords): Generator<Float32Array> {
    for (const group of drawn) {
      // One patient's slices have no true negatives.
      const patients = group.length < 2 ? [] : group;
      yield options.readSlices(
        patients.flatMap((patient) => someOf(words, options.patients[patient]!, slicesPerPatient)),
      );
    }
  }

  return {
    async step({ progress, signal }) {
      const learningRate = learningRateAt(progress, options.optimiser);
      steps += 1;
      const words = createRandomWords(options.randomBytesAt(steps));
      const groupsOfStep = { parameters: optimiser.parameters(), groups: imagesOf(draw(words), words), sum };
      try {
        await addGroupGradients(engine, groupsOfStep, { ...options, random: random.fork(`step/${steps}`), signal });
      } catch (error) {
        sum.discard();
        throw error;
      }
      const gradient = tf.tensor1d(sum.release(words, { divisor: groups }));
      optimiser.step(gradient, { learningRate });
      gradient.dispose();
    },
    spent: () => ({ noiseMultiplier, samplingRate, steps }),
    parameters: optimiser.read,
    state: optimiser.state,
    dispose: optimiser.dispose,
  };
}

/** At most `limit` of the items, each set of them equally likely. */
function someOf<T>(words: RandomWords, items: readonly T[], limit: number): readonly T[] {
  if (items.length <= limit) return items;
  const left = [...items];
  for (let first = 0; first < limit; first += 1) {
    const other = first + words.below(left.length - first);
    [left[first], left[other]] = [left[other]!, left[first]!];
  }
  return left.slice(0, limit);
}
