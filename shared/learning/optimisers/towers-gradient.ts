import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import type { ParameterTensors } from '../parameters.ts';
import { flatGradient } from './flat-gradient.ts';

/** Some of a tower's rows, one after another. */
export interface RowRange {
  readonly first: number;
  readonly count: number;
}

/** An encoder and how many rows the batch has for it. */
export interface Tower {
  readonly rows: number;
  /** How many pass at once. */
  readonly rowsAtOnce: number;
  /** Each row on its own: it must not depend on the others. */
  readonly encode: (range: RowRange) => EncodedRows;
}

/** A type, because scopes return no interfaces. */
export type EncodedRows = {
  readonly rows: Tensor2D;
  /** What these rows lose by themselves, such as a reconstruction: added to the loss. Not called where it is not needed. */
  readonly ownLoss?: () => Scalar;
};

/**
 * The gradient of a loss over all rows of several encoders, of images and of reports for example, whose rows pass in parts,
 * so that memory is bounded by the parts (gradient caching, Gao et al. 2021, arXiv 2101.06983). Towers of one part are
 * computed as usual; the rows of others pass once more, which changes nothing but rounding. The caller disposes the results.
 *
 * @param options.loss of what the towers encode, in their order; it may have parameters of its own.
 */
export function towersGradient(
  engine: Engine,
  parameters: ParameterTensors,
  { towers, loss }: { readonly towers: readonly Tower[]; readonly loss: (encoded: readonly Tensor2D[]) => Scalar },
): { value: Scalar; gradient: Tensor1D } {
  const { tf } = engine;
  return tf.tidy(() => {
    const cached = new Map(
      towers.flatMap((tower) => (inOnePart(tower) ? [] : [[tower, encodeInParts(engine, tower)]])),
    );
    const names = [...cached.values()].map((rows, index) => [`cached ${index}`, rows] as const);
    let { value, gradient: remaining } = flatGradient(engine, new Map([...names, ...parameters]), {
      compute: () => {
        const own: Scalar[] = [];
        const encoded = towers.map((tower) => {
          const before = cached.get(tower);
          if (before !== undefined) return before;
          const { rows, ownLoss } = tower.encode({ first: 0, count: tower.rows });
          if (ownLoss !== undefined) own.push(ownLoss());
          return rows;
        });
        return own.reduce((sum, next) => tf.add(sum, next), loss(encoded));
      },
    });
    const replaceBy = <T extends Scalar | Tensor1D>(current: T, next: () => T): T => {
      const replaced = tf.tidy(next);
      current.dispose();
      return replaced;
    };
    const cotangents = [...cached].map(([tower, { size, shape }]) => {
      const cotangent: Tensor2D = tf.reshape(tf.slice(remaining, 0, size), shape);
      remaining = replaceBy(remaining, () => tf.slice(remaining, size));
      return { tower, cotangent };
    });
    let gradient = remaining;
    for (const { tower, cotangent } of cotangents) {
      for (const range of rangesOf(tower)) {
        const ofPart = tf.tidy(() => partGradient(engine, parameters, { tower, range, cotangent }));
        gradient = replaceBy(gradient, () => tf.add(gradient, ofPart.gradient));
        value = replaceBy(value, () => tf.add(value, ofPart.ownLoss));
        tf.dispose(ofPart);
      }
    }
    return { value, gradient };
  });
}

function inOnePart({ rows, rowsAtOnce }: Tower): boolean {
  return rows <= rowsAtOnce;
}

function rangesOf({ rows, rowsAtOnce }: Tower): RowRange[] {
  return Array.from({ length: Math.ceil(rows / rowsAtOnce) }, (_, part) => {
    const first = part * rowsAtOnce;
    return { first, count: Math.min(rowsAtOnce, rows - first) };
  });
}

/** All rows that a tower encodes, without a gradient; the caller disposes them. */
export function encodeInParts({ tf }: Engine, tower: Tower): Tensor2D {
  return tf.tidy(() => tf.concat(rangesOf(tower).map((range) => tf.tidy(() => tower.encode(range).rows))) as Tensor2D);
}

/** A part's share in the gradient, and what its rows lose by themselves. */
function partGradient(
  engine: Engine,
  parameters: ParameterTensors,
  { tower, range, cotangent }: { readonly tower: Tower; readonly range: RowRange; readonly cotangent: Tensor2D },
): { gradient: Tensor1D; ownLoss: Scalar } {
  const { tf } = engine;
  const ofRows: Tensor1D = tf.reshape(tf.slice(cotangent, [range.first, 0], [range.count, -1]), [-1]);
  // The loss stands behind the rows, and the whole loss rises as it does.
  const { value, gradient } = flatGradient(engine, parameters, {
    compute: () => {
      const { rows, ownLoss = () => tf.scalar(0) } = tower.encode(range);
      return tf.concat([tf.reshape(rows, [-1]) as Tensor1D, tf.reshape(ownLoss(), [1]) as Tensor1D]);
    },
    cotangent: tf.concat([ofRows, tf.tensor1d([1])]),
  });
  return { gradient, ownLoss: tf.reshape(tf.slice(value, ofRows.size), []) as Scalar };
}
