import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { ParameterLayout, PlacedTensor } from '../../tensors/layout.ts';
import type { Engine } from '../engine/open-engine.ts';
import { hostLoop } from '../ops/host-loop.ts';
import { flatConstant } from './flat-constant.ts';
import type { Optimiser } from './optimiser.ts';
import { createSgd } from './sgd.ts';
import { tensorNorms } from './tensor-norms.ts';

/** Only where the ratio is not used. */
const smallestNorm = 1e-30;

export interface LarsSettings {
  readonly momentum: number;
  readonly weightDecay: number;
  /** The length of a tensor's direction, as a share of the tensor's own. */
  readonly trustCoefficient: number;
  /** Which tensors decay and are scaled; matrices and higher unless given. The others take the plain gradient. */
  readonly adapts?: (tensor: PlacedTensor) => boolean;
  /** Gradients are scaled down to this L2 norm first. */
  readonly clipNorm?: number;
}

/**
 * LARS (You et al. 2017, arXiv 1708.03888, in the form of MoCo v3 and SimCLR): each matrix's gradient with its L2 penalty is
 * scaled to trustCoefficient times the matrix's own length, then follows SGD with momentum. A tensor or a gradient of zero
 * is left unscaled.
 */
export function createLars(
  engine: Engine,
  layout: ParameterLayout,
  {
    trustCoefficient,
    adapts = ({ shape }) => shape.length >= 2,
    ...settings
  }: LarsSettings & { readonly values: Float32Array },
): Optimiser {
  const { tf, habits } = engine;
  const adapted = tf.tensor1d(layout.tensors.map((tensor) => (adapts(tensor) ? 1 : 0)));
  // Which tensor each number belongs to; a loop over the tensors needs no such list.
  const owners = habits.hostLoops
    ? null
    : tf.tensor1d(
        flatConstant(layout, (_, index) => index),
        'int32',
      );
  const spread = (ratios: Tensor1D): Tensor1D =>
    owners === null ? spreadOnHost(engine, layout, ratios) : tf.gather(ratios, owners);
  const trust = (direction: Tensor1D, parameters: Tensor1D): Tensor1D => {
    const [ofParameters, ofDirection] = [parameters, direction].map((flat) => tensorNorms(engine, layout, flat));
    const scales = tf.greater(tf.mul(tf.minimum(ofParameters!, ofDirection!), adapted), 0);
    const ratios = tf.mul(tf.div(ofParameters!, tf.maximum(ofDirection!, smallestNorm)), trustCoefficient);
    return tf.where(scales, ratios, tf.onesLike(ratios)) as Tensor1D;
  };
  const sgd = createSgd(engine, layout, {
    ...settings,
    decays: adapts,
    direction: (gradient, parameters) => tf.mul(gradient, spread(trust(gradient, parameters))),
  });
  return {
    ...sgd,
    dispose() {
      sgd.dispose();
      tf.dispose([adapted, ...(owners === null ? [] : [owners])]);
    },
  };
}

function spreadOnHost(engine: Engine, layout: ParameterLayout, ratios: Tensor1D): Tensor1D {
  const [spread] = hostLoop(engine, [ratios], {
    shapes: [[layout.size]],
    loop: ([ofTensor], [result]) => {
      for (const [index, { offset, size }] of layout.tensors.entries()) {
        result!.fill(ofTensor![index]!, offset, offset + size);
      }
    },
  });
  return spread as Tensor1D;
}
