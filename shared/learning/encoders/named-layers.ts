/** The layers of an encoder by the names of their tensors. */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { layerNorm } from '../ops/layer-norm.ts';
import { linear } from '../ops/linear.ts';
import { linearOfData } from '../ops/linear-of-data.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';

export interface NamedLayers {
  /** The parameter of that name under the prefix. */
  tensor<T extends Tensor = Tensor>(name: string): T;
  linear(name: string, x: Tensor2D): Tensor2D;
  /** A Linear without a gradient to its input, for data. */
  linearOfData(name: string, x: Tensor2D): Tensor2D;
  norm(name: string, x: Tensor2D): Tensor2D;
}

/**
 * @param options.prefix stands before every name, with a dot between them; nothing does by default.
 * @param options.epsilon of all normalisations: PyTorch's default, 1e-5, unless given.
 */
export function namedLayers(
  engine: Engine,
  {
    parameters,
    prefix = '',
    epsilon = 1e-5,
  }: { readonly parameters: ParameterTensors; readonly prefix?: string; readonly epsilon?: number },
): NamedLayers {
  const tensor = <T extends Tensor>(name: string) =>
    parameter<T>(parameters, prefix === '' ? name : `${prefix}.${name}`);
  const tensorsOf = (name: string) => ({
    weight: tensor<Tensor2D>(`${name}.weight`),
    bias: tensor<Tensor1D>(`${name}.bias`),
  });
  return {
    tensor,
    linear: (name, x) => linear(engine, x, tensorsOf(name)),
    linearOfData: (name, x) => linearOfData(engine, x, tensorsOf(name)),
    norm: (name, x) =>
      layerNorm(engine, x, {
        weight: tensor<Tensor1D>(`${name}.weight`),
        bias: tensor<Tensor1D>(`${name}.bias`),
        epsilon,
      }),
  };
}
