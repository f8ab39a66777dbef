/**
 * SCAFFOLD (Karimireddy et al. 2020, arXiv 1910.06378): control variates c (the server's) and c_i (a site's) estimate the
 * gradient of everybody's data and of the site's own; their difference corrects each local step, so that sites with other
 * data do not drift apart. All start at zero. Vectors are flat, in layout order.
 */
import { weightedMean } from './weighted-mean.ts';

/** c - c_i, which a site adds to the gradient of each of its local steps in the round. */
export function localCorrection(controls: { readonly server: Float32Array; readonly own: Float32Array }): Float32Array {
  requireSameLength([controls.server, controls.own]);
  return controls.server.map((control, i) => control - controls.own[i]!);
}

/**
 * A site's next control in the paper's option II, which costs no gradient: c_i - c + (x - y) / (steps * learningRate), with x
 * the round's starting weights and y those after `steps` local steps. (Option I takes the gradient of the site's data at x.)
 */
export function nextLocalControl(
  controls: { readonly server: Float32Array; readonly own: Float32Array },
  round: {
    readonly start: Float32Array;
    readonly end: Float32Array;
    readonly steps: number;
    readonly learningRate: number;
  },
): Float32Array {
  const { start, end, steps, learningRate } = round;
  requireSameLength([controls.server, controls.own, start, end]);
  return controls.own.map(
    (control, i) => control - controls.server[i]! + (start[i]! - end[i]!) / (steps * learningRate),
  );
}

export interface ScaffoldState {
  readonly weights: Float32Array;
  readonly control: Float32Array;
}

/**
 * The server's step: weights move by learningRate times the plain mean of the participants' updates y - x, and the control by
 * the mean of their controls' changes times the share of all sites that took part.
 *
 * @throws {RangeError} when nobody took part, or more than `sites`, or vectors differ in length.
 */
export function scaffoldStep(
  { weights, control }: ScaffoldState,
  {
    updates,
    sites,
    learningRate,
  }: {
    readonly updates: readonly { readonly delta: Float32Array; readonly controlDelta: Float32Array }[];
    /** How many sites there are, whether they took part or not. */
    readonly sites: number;
    readonly learningRate: number;
  },
): ScaffoldState {
  if (updates.length < 1 || updates.length > sites) {
    throw new RangeError(`Cannot take the server's step: 1 to ${sites} updates are needed, found ${updates.length}`);
  }
  requireSameLength([weights, control, ...updates.flatMap(({ delta, controlDelta }) => [delta, controlDelta])]);
  const mean = (kind: 'delta' | 'controlDelta') =>
    weightedMean(updates.map((update) => ({ values: update[kind], weight: 1 })));
  const [moved, changed] = [mean('delta'), mean('controlDelta')];
  const share = updates.length / sites;
  return {
    weights: weights.map((weight, i) => weight + learningRate * moved[i]!),
    control: control.map((value, i) => value + share * changed[i]!),
  };
}

function requireSameLength(vectors: readonly Float32Array[]): void {
  const lengths = [...new Set(vectors.map(({ length }) => length))];
  if (lengths.length > 1) {
    throw new RangeError(`Cannot combine vectors of one model: they must be equally long, found ${lengths.join(', ')}`);
  }
}
