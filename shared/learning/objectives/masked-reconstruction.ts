import type { Scalar, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from '../ops/differentiable.ts';

/**
 * The reconstruction loss of masked autoencoders (He et al. 2022, arXiv 2111.06377; MaCo): the mean over the patches that
 * the encoder did not see of the mean squared error of a patch's pixels.
 *
 * @param patches `predicted` and `target`, both [images, patches, values of a patch].
 * @param options.visible [images, patches]: 1 where the encoder saw the patch, 0 where it was removed. It needs a removed one.
 */
export function maskedReconstruction(
  engine: Engine,
  patches: { readonly predicted: Tensor3D; readonly target: Tensor3D },
  { visible }: { readonly visible: Tensor2D },
): Scalar {
  const { tf } = engine;
  return differentiable(engine, [patches.predicted, patches.target], {
    forward: (predicted, target) => {
      const removed = tf.expandDims(tf.sub(1, tf.cast(visible, 'float32')), 2);
      const share = tf.div(removed, tf.mul(tf.sum(removed), predicted.shape[2]));
      const difference = tf.sub(predicted, target);
      const weighted: Tensor3D = tf.mul(difference, share);
      const ofValues: Tensor3D = tf.mul(weighted, difference);
      // Axis by axis: WebAssembly adds one number after the other, and the sum of millions would swallow the last ones.
      return { value: tf.sum(tf.sum(tf.sum(ofValues, 2), 1)) as Scalar, keep: { weighted } };
    },
    backward: (dy, { weighted }) => {
      const slope = tf.mul(weighted, tf.mul(dy, 2));
      return [slope, tf.neg(slope)];
    },
  });
}
