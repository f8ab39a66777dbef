/**
 * Few-shot evaluation: a logistic regression on `shots` labelled patients of each class, scored on the test patients,
 * repeated over several draws.
 */
import { createRandom } from '../../random/seeded-random.ts';
import { aucVariance } from './delong.ts';
import { type MeanAndError, meanAndError } from './mean-and-error.ts';
import { type ProbeData, probeScores, takeLabels } from './probe.ts';
import { rocAuc } from './roc-auc.ts';
import { standardise } from './standardise.ts';

export interface FewShotOptions extends ProbeData {
  /** Labelled patients of each class. */
  readonly shots: number;
  /** How many draws. */
  readonly seeds: number;
  /** The draws follow from this, `shots` and the labels alone, so two encoders are compared on the same draws. */
  readonly seed: number | string;
}

export interface FewShot {
  /**
   * Mean over draws. The error is that of the mean over draws (standard deviation over the square root of their number): it
   * covers the choice of labelled patients, not of test patients. With a single draw it is DeLong's error over test patients.
   */
  readonly auc: MeanAndError;
  /** Per draw: the test patients' log-odds and their AUC. */
  readonly draws: readonly { readonly scores: Float64Array; readonly auc: number }[];
}

/**
 * Features are standardised with the statistics of all training patients, which needs no labels. The regression's C is
 * 2 * width / 100, as in MEDFORM's few-shot evaluation. Each draw takes patients without replacement.
 *
 * @returns null when the training patients have fewer than `shots` of a class.
 * @throws {RangeError} when the test patients have fewer than two of a class.
 */
export function fewShot(options: FewShotOptions): FewShot | null {
  const { features, width, labels, trainIndices, testIndices, shots, seeds, seed } = options;
  const positive = trainIndices.filter((index) => labels[index] === 1);
  const negative = trainIndices.filter((index) => labels[index] === 0);
  if (positive.length < shots || negative.length < shots) return null;

  const standardised = standardise(features, { width, trainIndices });
  const testLabels = takeLabels(labels, testIndices);
  const draws = Array.from({ length: seeds }, (_, draw) => {
    const random = createRandom(seed).fork(`few-shot/${shots}/${draw}`);
    const drawn = [...random.shuffle(positive).slice(0, shots), ...random.shuffle(negative).slice(0, shots)];
    const scores = probeScores(
      standardised,
      { width, labels, trainIndices: drawn, testIndices },
      { inverseRegularisation: (2 * width) / 100 },
    );
    return { scores, auc: rocAuc(scores, testLabels) };
  });
  const [first] = draws;
  if (first === undefined) throw new RangeError('Cannot evaluate few-shot: at least one draw is needed, seeds is 0');
  const auc =
    draws.length > 1
      ? meanAndError(draws.map((draw) => draw.auc))
      : { mean: first.auc, standardError: Math.sqrt(aucVariance(first.scores, testLabels)) };
  return { auc, draws };
}
