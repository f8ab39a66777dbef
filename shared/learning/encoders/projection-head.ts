import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { linear } from '../ops/linear.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';

/**
 * SimCLR's projection head (Chen et al. 2020, arXiv 2002.05709): Linear, ReLU, Linear. [rows, width] -> [rows, output
 * width]; the loss normalises the rows.
 */
export function projectionHead(engine: Engine, embeddings: Tensor2D, parameters: ParameterTensors): Tensor2D {
  const dense = (x: Tensor2D, name: string) =>
    linear(engine, x, {
      weight: parameter<Tensor2D>(parameters, `${name}.weight`),
      bias: parameter<Tensor1D>(parameters, `${name}.bias`),
    });
  return dense(engine.tf.relu(dense(embeddings, 'head.0')), 'head.2');
}
