/**
 * The heads of MoCo v3 (Chen et al. 2021, arXiv 2104.02057, section 3), which LeCL keeps: Linear layers without bias,
 * each followed by a normalisation and, but for the last, a ReLU. The last normalisation has no affine part.
 */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { rowProducts } from '../ops/row-products.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';
import type { ChannelNormalisation } from './channel-normalisation.ts';

/** Where the tensors of MoCo v3's two heads are: the projector after the encoder, and the predictor after that. */
export const MOCO_PROJECTOR = 'base_encoder.head';
export const MOCO_PREDICTOR = 'predictor';

/**
 * Maps x [rows, width] through the head whose Linear layers are `PREFIX.0`, `PREFIX.3`, `PREFIX.6` and so on, as many as
 * there are. In pretraining the rows are normalised by their batch, on every device and in every hospital its own, so the
 * head needs the whole batch at once and no running statistics.
 *
 * @throws {RangeError} when there is no `PREFIX.0.weight`.
 */
export function mocoHead(
  engine: Engine,
  x: Tensor2D,
  {
    parameters,
    prefix,
    normalise,
  }: { readonly parameters: ParameterTensors; readonly prefix: string; readonly normalise: ChannelNormalisation },
): Tensor2D {
  const { tf } = engine;
  let index = 0;
  let hidden = x;
  for (;;) {
    const weight = parameter<Tensor2D>(parameters, `${prefix}.${index}.weight`);
    hidden = normalise(`${prefix}.${index + 1}`, rowProducts(engine, [hidden, weight]));
    index += 3;
    if (!parameters.has(`${prefix}.${index}.weight`)) return hidden;
    hidden = tf.relu(hidden);
  }
}
