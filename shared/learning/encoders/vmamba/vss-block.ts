import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../../engine/open-engine.ts';
import { gelu } from '../../ops/gelu.ts';
import { linear } from '../../ops/linear.ts';
import { namedLayers } from '../named-layers.ts';
import { onPixels } from '../on-pixels.ts';
import { type Ss2d, ss2d } from './ss2d.ts';

/**
 * A block of VMamba: x + op(norm(x)), then x + mlp(norm2(x)); x is [images, height, width, channels]. The first VMamba's
 * blocks, which have no `norm2`, end after the first half.
 */
export function vssBlock(engine: Engine, x: Tensor4D, { parameters, prefix, epsilon }: Ss2d): Tensor4D {
  const { tf } = engine;
  const named = (name: string) => (prefix === '' ? name : `${prefix}.${name}`);
  const { tensor, norm } = namedLayers(engine, { parameters, prefix, epsilon });
  const through = (name: string, rows: Tensor2D) => {
    const weight = tensor<Tensor2D>(`${name}.weight`);
    return linear(engine, rows, {
      // Some published checkpoints store it as a 1 x 1 convolution, [out, in, 1, 1].
      weight: tf.reshape(weight, [weight.shape[0], rows.shape[1]]),
      bias: tensor<Tensor1D>(`${name}.bias`),
    });
  };
  // What no gradient needs is freed at the end of the block.
  return tf.tidy(() => {
    const normalised = onPixels(engine, x, (rows) => norm('norm', rows));
    const mixed: Tensor4D = tf.add(x, ss2d(engine, normalised, { parameters, prefix: named('op'), epsilon }));
    if (!parameters.has(named('norm2.weight'))) return mixed;
    return onPixels(
      engine,
      mixed,
      (rows) => tf.add(rows, through('mlp.fc2', gelu(engine, through('mlp.fc1', norm('norm2', rows))))) as Tensor2D,
    );
  });
}
