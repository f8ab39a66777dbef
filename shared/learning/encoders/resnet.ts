/**
 * Residual networks of bottleneck blocks as torchvision computes them (He et al. 2016, arXiv 1512.03385, with the stride
 * on the 3 x 3 convolution). Parameters bear torchvision's names. Pixels are rows: [images, height, width, channels].
 */
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { convolution } from '../ops/convolution.ts';
import { maxPool } from '../ops/max-pool.ts';
import { meanOfPixels } from '../ops/mean-of-pixels.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';
import type { ChannelNormalisation } from './channel-normalisation.ts';
import { onPixels } from './on-pixels.ts';

export interface Resnet {
  readonly parameters: ParameterTensors;
  readonly normalise: ChannelNormalisation;
}

/** The mean over the last feature map, [images, channels]. */
export function resnetEmbedding(engine: Engine, images: Tensor4D, resnet: Resnet): Tensor2D {
  return engine.tf.tidy(() => meanOfPixels(engine, resnetFeatures(engine, images, resnet)));
}

/**
 * The last feature map of images [images, height, width, channels]. Stages and blocks are as many as have parameters;
 * every stage but the first halves the map.
 */
export function resnetFeatures(engine: Engine, images: Tensor4D, { parameters, normalise }: Resnet): Tensor4D {
  const { tf } = engine;
  return tf.tidy(() => {
    const weight = parameter<Tensor4D>(parameters, 'conv1.weight');
    const stem = convolution(engine, images, { weight, stride: 2, padding: 3 });
    let x = maxPool(engine, tf.relu(onPixels(engine, stem, (rows) => normalise('bn1', rows))), {
      size: 3,
      stride: 2,
      padding: 1,
    });
    for (let stage = 1; parameters.has(`layer${stage}.0.conv1.weight`); stage += 1) {
      for (let index = 0; parameters.has(`layer${stage}.${index}.conv1.weight`); index += 1) {
        const stride = stage > 1 && index === 0 ? 2 : 1;
        x = bottleneck(engine, x, { parameters, normalise, name: `layer${stage}.${index}`, stride });
      }
    }
    return x;
  });
}

function bottleneck(
  engine: Engine,
  x: Tensor4D,
  { parameters, normalise, name, stride }: Resnet & { readonly name: string; readonly stride: number },
): Tensor4D {
  const { tf } = engine;
  const convolve = (
    part: { readonly convolution: string; readonly norm: string },
    input: Tensor4D,
    moves: { readonly stride?: number; readonly padding?: number } = {},
  ) => {
    const weight = parameter<Tensor4D>(parameters, `${name}.${part.convolution}.weight`);
    const y = convolution(engine, input, { weight, ...moves });
    return onPixels(engine, y, (rows) => normalise(`${name}.${part.norm}`, rows));
  };
  return tf.tidy(() => {
    const narrow = tf.relu(convolve({ convolution: 'conv1', norm: 'bn1' }, x));
    const middle = tf.relu(convolve({ convolution: 'conv2', norm: 'bn2' }, narrow, { stride, padding: 1 }));
    const wide = convolve({ convolution: 'conv3', norm: 'bn3' }, middle);
    const past = parameters.has(`${name}.downsample.0.weight`)
      ? convolve({ convolution: 'downsample.0', norm: 'downsample.1' }, x, { stride })
      : x;
    return tf.relu(tf.add<Tensor4D>(wide, past));
  });
}
