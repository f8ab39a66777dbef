/**
 * How a convolutional network normalises its channels. Networks take it as a function, because the same weights are
 * trained with one and evaluated with another; running statistics are nobody's parameters and do not travel.
 */
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { type Affine, batchNorm, frozenBatchNorm, updatedStatistics } from '../ops/batch-norm.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';
import { namedLayers } from './named-layers.ts';

/** Normalises x [rows, channels], where rows are pixels or samples, with the layer of that name. */
export type ChannelNormalisation = (name: string, x: Tensor2D) => Tensor2D;

/** PyTorch's default for batch and layer normalisation. */
const defaultEpsilon = 1e-5;

/**
 * By the statistics of the batch itself, as PyTorch does in training. Given a map `updated`, each layer's running
 * statistics after this batch, moved by `momentum`, are put into it under PyTorch's names, `NAME.running_mean` and
 * `NAME.running_var`; the caller disposes them.
 */
export function byBatch(
  engine: Engine,
  parameters: ParameterTensors,
  {
    epsilon = defaultEpsilon,
    momentum = 0.1,
    updated,
  }: { readonly epsilon?: number; readonly momentum?: number; readonly updated?: Map<string, Tensor1D> } = {},
): ChannelNormalisation {
  return (name, x) => {
    if (updated !== undefined) {
      const statistics = updatedStatistics(engine, x, { statistics: statisticsOf(parameters, name), momentum });
      updated.set(`${name}.running_mean`, engine.tf.keep(statistics.mean));
      updated.set(`${name}.running_var`, engine.tf.keep(statistics.variance));
    }
    return batchNorm(engine, x, { affine: affineOf(parameters, name), epsilon });
  };
}

/** By the running statistics among the parameters, as PyTorch does in evaluation: for public checkpoints. */
export function byRunningStatistics(
  engine: Engine,
  parameters: ParameterTensors,
  { epsilon = defaultEpsilon }: { readonly epsilon?: number } = {},
): ChannelNormalisation {
  return (name, x) =>
    frozenBatchNorm(engine, x, {
      affine: affineOf(parameters, name),
      statistics: statisticsOf(parameters, name),
      epsilon,
    });
}

/**
 * Each pixel by itself over its channels: layer normalisation under the same names as batch normalisation's weight and
 * bias. It needs no batch, so that micro-batches, single patients' gradients and other hospitals change nothing.
 */
export function byPixel(
  engine: Engine,
  parameters: ParameterTensors,
  { epsilon = defaultEpsilon }: { readonly epsilon?: number } = {},
): ChannelNormalisation {
  return namedLayers(engine, { parameters, epsilon }).norm;
}

/** A layer without weight and bias only standardises. */
function affineOf(parameters: ParameterTensors, name: string): Affine | null {
  if (!parameters.has(`${name}.weight`)) return null;
  return { weight: parameter(parameters, `${name}.weight`), bias: parameter(parameters, `${name}.bias`) };
}

function statisticsOf(parameters: ParameterTensors, name: string) {
  return {
    mean: parameter<Tensor1D>(parameters, `${name}.running_mean`),
    variance: parameter<Tensor1D>(parameters, `${name}.running_var`),
  };
}
