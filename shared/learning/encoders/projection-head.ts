import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { batchStandardise } from '../ops/batch-standardise.ts';
import { linear } from '../ops/linear.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';

/**
 * SimCLR's projection head (Chen et al. 2020, arXiv 2002.05709): Linear, ReLU, Linear. [rows, width] -> [rows, output
 * width]; the loss normalises the rows.
 *
 * Each Linear is followed by batch standardisation, as SimCLR and MoCo v3 follow theirs by batch normalisation: a young
 * encoder says nearly the same of every slice, and without it the contrast starts on a plateau and hardly leaves it. Rows
 * depend on each other, so the head needs the whole batch. No affine part and no running statistics: none travel.
 */
export function projectionHead(engine: Engine, embeddings: Tensor2D, parameters: ParameterTensors): Tensor2D {
  const dense = (x: Tensor2D, name: string) =>
    linear(engine, x, {
      weight: parameter<Tensor2D>(parameters, `${name}.weight`),
      bias: parameter<Tensor1D>(parameters, `${name}.bias`),
    });
  const hidden = engine.tf.relu(batchStandardise(engine, dense(embeddings, 'head.0')));
  return batchStandardise(engine, dense(hidden, 'head.2'));
}
