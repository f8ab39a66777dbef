import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { OUT_OF_REACH, softmaxCrossEntropy } from '../ops/softmax-cross-entropy.ts';
import { cosineLogits } from './cosine-logits.ts';
import type { Temperature } from './temperature.ts';

export interface InfoNceOptions {
  readonly temperature: Temperature;
  /**
   * For rows of which several belong to one patient, as several slices with one gene profile do: who each row's patient
   * is, and whether the patient's other rows are left out of the softmax (`masked`) or are targets too (`positive`).
   */
  readonly patients?: { readonly ofRow: ArrayLike<number>; readonly otherRows: 'masked' | 'positive' };
}

/**
 * Symmetric InfoNCE between two views of the same samples (CLIP's form; MEDFORM's and MGI's alignment loss): with cosine
 * logits L, the mean over samples of the cross-entropies of row i and of column i against i, both directions averaged.
 *
 * @param views `a` and `b`, both [rows, width]; row i of both is the same sample. They need not be normalised.
 * @throws {RangeError} when there are fewer than two rows: without a negative there is nothing to contrast.
 */
export function infoNce(
  engine: Engine,
  views: { readonly a: Tensor2D; readonly b: Tensor2D },
  { temperature, patients }: InfoNceOptions,
): Scalar {
  const { tf } = engine;
  const rows = views.a.shape[0];
  if (rows < 2 || views.b.shape[0] !== rows) {
    throw new RangeError(
      `Cannot contrast: the same two or more patients are needed in both views, found ${rows} and ${views.b.shape[0]}`,
    );
  }
  if (patients !== undefined && patients.ofRow.length !== rows) {
    throw new RangeError(
      `Cannot contrast: the patient of each of ${rows} rows is needed, found ${patients.ofRow.length}`,
    );
  }
  let logits = cosineLogits(engine, views, { temperature });
  let targets: Tensor2D = tf.eye(rows);
  if (patients !== undefined) {
    const others = otherRowsOfPatient(engine, patients.ofRow);
    if (patients.otherRows === 'masked') logits = tf.sub(logits, tf.mul(others, OUT_OF_REACH));
    else targets = shareEqually(engine, tf.add(targets, others));
  }
  // The targets are symmetric in what they mean, so columns have the same ones.
  const overRows = softmaxCrossEntropy(engine, logits, { targets });
  const overColumns = softmaxCrossEntropy(engine, tf.transpose(logits), { targets });
  const total: Tensor1D = tf.add(overRows, overColumns);
  return tf.mul(tf.sum(total), 1 / (2 * rows));
}

/** [rows, rows]: 1 where two different rows have the same patient. */
function otherRowsOfPatient({ tf }: Engine, ofRow: ArrayLike<number>): Tensor2D {
  const patients = Array.from(ofRow);
  return tf.tensor2d(
    patients.flatMap((mine, row) => patients.map((theirs, column) => Number(mine === theirs && row !== column))),
    [patients.length, patients.length],
    'float32',
  );
}

function shareEqually({ tf }: Engine, targets: Tensor2D): Tensor2D {
  return tf.div(targets, tf.sum(targets, 1, true));
}
