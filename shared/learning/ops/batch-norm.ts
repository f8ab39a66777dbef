/**
 * Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167) of x [rows, channels], where the rows of a convolution's
 * output are its pixels: PyTorch's BatchNorm1d and BatchNorm2d in their two modes, and what the one leaves for the other.
 */
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { batchStandardise } from './batch-standardise.ts';
import { columnSums } from './column-sums.ts';
import { scaleColumns } from './scale-columns.ts';

/** [channels] each. */
export interface Affine {
  readonly weight: Tensor1D;
  readonly bias: Tensor1D;
}

/** [channels] each; the variance as PyTorch keeps it, unbiased. */
export interface RunningStatistics {
  readonly mean: Tensor1D;
  readonly variance: Tensor1D;
}

/** Training mode: mean and biased variance of this batch. */
export function batchNorm(
  engine: Engine,
  x: Tensor2D,
  { affine, epsilon }: { readonly affine: Affine | null; readonly epsilon: number },
): Tensor2D {
  const standard = batchStandardise(engine, x, { epsilon });
  return affine === null ? standard : scaleColumns(engine, standard, { scale: affine.weight, shift: affine.bias });
}

/** Evaluation mode: each row by itself, with statistics that no gradient changes. */
export function frozenBatchNorm(
  engine: Engine,
  x: Tensor2D,
  {
    affine,
    statistics,
    epsilon,
  }: { readonly affine: Affine | null; readonly statistics: RunningStatistics; readonly epsilon: number },
): Tensor2D {
  const { tf } = engine;
  const inverse: Tensor1D = tf.rsqrt(tf.add(statistics.variance, epsilon));
  const scale = affine === null ? inverse : tf.mul<Tensor1D>(affine.weight, inverse);
  const centre = tf.mul<Tensor1D>(statistics.mean, scale);
  return scaleColumns(engine, x, { scale, shift: affine === null ? tf.neg(centre) : tf.sub(affine.bias, centre) });
}

/**
 * The statistics after a training step on x: moved by `momentum` (0.1 by PyTorch's default) towards the batch's mean and
 * unbiased variance. No gradient passes.
 *
 * @throws {RangeError} for fewer than two rows, which have no unbiased variance.
 */
export function updatedStatistics(
  engine: Engine,
  x: Tensor2D,
  { statistics, momentum }: { readonly statistics: RunningStatistics; readonly momentum: number },
): RunningStatistics {
  const { tf } = engine;
  const [rows] = x.shape;
  if (rows < 2) {
    throw new RangeError(`Cannot take the variance of a batch: it needs at least 2 values a channel, found ${rows}`);
  }
  return tf.tidy(() => {
    const sums = (all: Tensor2D) => columnSums(engine, all);
    const mean = tf.div<Tensor1D>(sums(x), rows);
    const variance = tf.div<Tensor1D>(sums(tf.square(tf.sub<Tensor2D>(x, mean))), rows - 1);
    const towards = (old: Tensor1D, now: Tensor1D) =>
      tf.add<Tensor1D>(tf.mul(old, 1 - momentum), tf.mul(now, momentum));
    return { mean: towards(statistics.mean, mean), variance: towards(statistics.variance, variance) };
  });
}
