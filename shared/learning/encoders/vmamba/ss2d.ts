/**
 * The two-dimensional selective scan of VMamba (Liu et al. 2024, arXiv 2401.10166), under the names of its code: in_proj, a
 * depthwise convolution with SiLU, scans in four directions, their sum normalised, out_proj.
 *
 * The shapes tell the form: where in_proj makes twice the inner width, its second half is a gate (`v2`, the default of
 * CLEAR's `VSSM()`); otherwise there is none (`v05_noz`, the released models).
 */
import type { Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../../engine/open-engine.ts';
import { blockDiagonal } from '../../ops/block-diagonal.ts';
import { crossMerge, crossScan, inScanOrder } from '../../ops/cross-scan.ts';
import { depthwiseConvolution } from '../../ops/depthwise-convolution.ts';
import { rowProducts } from '../../ops/row-products.ts';
import { selectiveScan } from '../../ops/selective-scan.ts';
import { silu } from '../../ops/silu.ts';
import type { ParameterTensors } from '../../parameters.ts';
import { namedLayers } from '../named-layers.ts';

export interface Ss2d {
  readonly parameters: ParameterTensors;
  /** Stands before the names, with a dot between them; nothing does when it is empty. */
  readonly prefix: string;
  readonly epsilon: number;
}

/** x [images, height, width, channels] -> the same shape. */
export function ss2d(engine: Engine, x: Tensor4D, { parameters, prefix, epsilon }: Ss2d): Tensor4D {
  const { tf } = engine;
  const [images, height, width, channels] = x.shape;
  const { tensor, norm } = namedLayers(engine, { parameters, prefix, epsilon });
  const inwards = matrix(engine, tensor('in_proj.weight'));
  const outwards = matrix(engine, tensor('out_proj.weight'));
  const inner = outwards.shape[1];
  const gated = inwards.shape[0] === 2 * inner;
  return tf.tidy(() => {
    const pixels: Tensor2D = tf.reshape(x, [-1, channels]);
    const projected = (first: number) =>
      rowProducts(engine, [pixels, gated ? tf.slice(inwards, [first, 0], [inner, channels]) : inwards]);
    const kernel = tensor<Tensor4D>('conv2d.weight');
    const biasName = prefix === '' ? 'conv2d.bias' : `${prefix}.conv2d.bias`;
    const convolved = depthwiseConvolution(engine, tf.reshape(projected(0), [images, height, width, inner]), {
      weight: kernel,
      bias: parameters.get(biasName) as Tensor1D | undefined,
      padding: (kernel.shape[2] - 1) / 2,
    });
    const tokens: Tensor3D = tf.reshape(silu(engine, convolved), [images, height * width, inner]);
    const scanned = scanFourWays(engine, tokens, {
      size: { height, width },
      projection: tensor<Tensor3D>('x_proj_weight'),
      stepWeight: tensor<Tensor3D>('dt_projs_weight'),
      stepBias: tensor<Tensor2D>('dt_projs_bias'),
      aLog: tensor<Tensor2D>('A_logs'),
      d: tensor<Tensor1D>('Ds'),
    });
    const normalised = norm('out_norm', tf.reshape(scanned, [-1, inner]));
    const passed: Tensor2D = gated ? tf.mul(normalised, silu(engine, projected(inner))) : normalised;
    return tf.reshape(rowProducts(engine, [passed, outwards]), [images, height, width, outwards.shape[0]]) as Tensor4D;
  });
}

interface FourWays {
  readonly size: { readonly height: number; readonly width: number };
  /** For each direction rows for the step sizes' rank, for b and for c: [4, rank + 2 * states, inner]. */
  readonly projection: Tensor3D;
  /** [4, inner, rank] */
  readonly stepWeight: Tensor3D;
  /** [4, inner] */
  readonly stepBias: Tensor2D;
  /** [4 * inner, states] */
  readonly aLog: Tensor2D;
  /** [4 * inner] */
  readonly d: Tensor1D;
}

/** The sum of the scans in four directions, [images, tokens, inner] -> the same shape. */
function scanFourWays(
  engine: Engine,
  tokens: Tensor3D,
  { size, projection, stepWeight, stepBias, aLog, d }: FourWays,
): Tensor3D {
  const { tf } = engine;
  const [images, length, inner] = tokens.shape;
  const [directions, columns] = projection.shape;
  const rank = stepWeight.shape[2];
  const states = aLog.shape[1];
  // A token's projections do not depend on the order of tokens: made once, and then the few columns are put in order.
  const weight: Tensor2D = tf.reshape(projection, [directions * columns, inner]);
  const rows = rowProducts(engine, [tf.reshape(tokens, [images * length, inner]) as Tensor2D, weight]);
  const ordered = inScanOrder(engine, tf.reshape(rows, [images, length, directions * columns]), size);
  const apart: Tensor3D = tf.reshape(ordered, [images * length, directions, columns]);
  const part = (first: number, width: number) => tf.slice(apart, [0, 0, first], [images * length, directions, width]);
  const ofGroups = (first: number): Tensor3D => tf.reshape(part(first, states), [images, length, directions * states]);
  const steps: Tensor2D = tf.reshape(part(0, rank), [images * length, directions * rank]);
  const delta = rowProducts(engine, [steps, blockDiagonal(engine, stepWeight)]);
  const y = selectiveScan(engine, {
    u: crossScan(engine, tokens, size),
    delta: tf.reshape(delta, [images, length, directions * inner]),
    deltaBias: tf.reshape(stepBias, [directions * inner]),
    aLog,
    b: ofGroups(rank),
    c: ofGroups(rank + states),
    d,
  });
  return crossMerge(engine, y, size);
}

/** Some published checkpoints store these layers as 1 x 1 convolutions, [out, in, 1, 1]. */
function matrix({ tf }: Engine, weight: Tensor2D): Tensor2D {
  return weight.rank === 2 ? weight : tf.reshape(weight, [weight.shape[0], -1]);
}
