import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { createRandom } from '../../../random/seeded-random.ts';
import { attention } from '../../ops/attention.ts';
import { gelu } from '../../ops/gelu.ts';
import { layerNorm } from '../../ops/layer-norm.ts';
import { product } from '../../ops/product.ts';
import type { Engine } from '../open-engine.ts';
import { openFixedTraining } from './fixed-training.ts';

/** What an engine computed, by the name of the computation. */
export type CheckValues = Readonly<Record<string, readonly number[]>>;

/** The same few operations and training steps on each engine, so that engines can be held against each other. */
export async function checkValues(engine: Engine): Promise<CheckValues> {
  return { ...(await operations(engine)), 'training steps': await trainingLosses(engine) };
}

// Large enough that no engine moves them to the CPU.
const [rows, columns] = [60, 48];

async function operations(engine: Engine): Promise<CheckValues> {
  const { tf } = engine;
  const random = createRandom('engine check');
  const normal = <T extends Tensor>(shape: number[]) => {
    const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal());
    return tf.tensor(values, shape) as T;
  };
  const computed = tf.tidy(() => {
    const x: Tensor2D = normal([rows, columns]);
    const scale = { weight: normal<Tensor1D>([columns]), bias: normal<Tensor1D>([columns]), epsilon: 1e-6 };
    const backward = tf.grad((input: Tensor) => attention(engine, input as Tensor2D, { sequences: 4, heads: 2 }));
    return {
      'matrix product': product(engine, [x, normal([rows, columns])], { transposeA: true }),
      'layer normalisation': layerNorm(engine, x, scale),
      GELU: gelu(engine, x),
      attention: attention(engine, x, { sequences: 4, heads: 2 }),
      'gradient of attention': backward(x, normal([rows, columns / 3])),
    };
  });
  try {
    const values: Record<string, number[]> = {};
    for (const [name, tensor] of Object.entries(computed)) values[name] = Array.from(await tensor.data());
    return values;
  } finally {
    tf.dispose(computed);
  }
}

/** The later losses depend on the gradients of the earlier steps. */
async function trainingLosses(engine: Engine): Promise<number[]> {
  const training = openFixedTraining(engine, { slices: 2, imageSizePixels: 32 });
  try {
    return [await training.step(), await training.step()];
  } finally {
    training.dispose();
  }
}
