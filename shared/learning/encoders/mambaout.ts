/**
 * MambaOut, the gated convolutional network that is a vision state space model without its state space (Yu and Wang 2025,
 * arXiv 2405.07992), as timm computes it. Parameters bear timm's names; stages and blocks are as many as have parameters.
 * Feature maps are [images, height, width, channels] between stages.
 */
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { convolution } from '../ops/convolution.ts';
import { depthwiseConvolution } from '../ops/depthwise-convolution.ts';
import { gelu } from '../ops/gelu.ts';
import { linear } from '../ops/linear.ts';
import { meanOfPixels } from '../ops/mean-of-pixels.ts';
import type { ParameterTensors } from '../parameters.ts';
import { type NamedLayers, namedLayers } from './named-layers.ts';
import { onPixels } from './on-pixels.ts';

export interface MambaOut {
  readonly parameters: ParameterTensors;
  /** Of all normalisations: 1e-6, as in timm, unless given. */
  readonly epsilon?: number;
}

/** timm's MambaOut, unlike PyTorch's default. */
const defaultEpsilon = 1e-6;

/** The last feature map of images [images, height, width, channels], a thirty-second of their size. */
export function mambaOutFeatures(
  engine: Engine,
  images: Tensor4D,
  { parameters, epsilon = defaultEpsilon }: MambaOut,
): Tensor4D {
  const layers = namedLayers(engine, { parameters, epsilon });
  return engine.tf.tidy(() => {
    let x = stem(engine, images, layers);
    for (let stage = 0; parameters.has(`stages.${stage}.blocks.0.fc1.weight`); stage += 1) {
      if (parameters.has(`stages.${stage}.downsample.conv.weight`)) {
        const halved = halve(engine, x, { layers, name: `stages.${stage}.downsample.conv` });
        x = onPixels(engine, halved, (pixels) => layers.norm(`stages.${stage}.downsample.norm`, pixels));
      }
      for (let index = 0; parameters.has(`stages.${stage}.blocks.${index}.fc1.weight`); index += 1) {
        x = block(engine, x, namedLayers(engine, { parameters, epsilon, prefix: `stages.${stage}.blocks.${index}` }));
      }
    }
    return x;
  });
}

/**
 * The embedding of a feature map, [images, channels]: normalised after the mean over its pixels, as in the authors' own
 * code. (timm's model without a classifier returns the pre-logits instead.)
 */
export function mambaOutEmbedding(
  engine: Engine,
  features: Tensor4D,
  { parameters, epsilon = defaultEpsilon }: MambaOut,
): Tensor2D {
  return namedLayers(engine, { parameters, epsilon }).norm('head.norm', meanOfPixels(engine, features));
}

/** timm's classifier on an embedding: the pre-logits [images, 4 channels] and the logits [images, classes]. */
export function mambaOutClassifier(
  engine: Engine,
  embedding: Tensor2D,
  { parameters, epsilon = defaultEpsilon }: MambaOut,
): { preLogits: Tensor2D; logits: Tensor2D } {
  const layers = namedLayers(engine, { parameters, epsilon });
  const hidden = gelu(engine, layers.linear('head.pre_logits.fc', embedding));
  const preLogits = layers.norm('head.pre_logits.norm', hidden);
  return { preLogits, logits: layers.linear('head.fc', preLogits) };
}

/** Two convolutions, each of which halves the image. */
function stem(engine: Engine, images: Tensor4D, layers: NamedLayers): Tensor4D {
  const first = onPixels(engine, halve(engine, images, { layers, name: 'stem.conv1' }), (pixels) =>
    gelu(engine, layers.norm('stem.norm1', pixels)),
  );
  const second = halve(engine, first, { layers, name: 'stem.conv2' });
  return onPixels(engine, second, (pixels) => layers.norm('stem.norm2', pixels));
}

function halve(engine: Engine, x: Tensor4D, { layers, name }: { layers: NamedLayers; name: string }): Tensor4D {
  const weight = layers.tensor<Tensor4D>(`${name}.weight`);
  return convolution(engine, x, { weight, bias: layers.tensor<Tensor1D>(`${name}.bias`), stride: 2, padding: 1 });
}

/**
 * x + fc2(GELU(gate) * [plain, convolved]), where fc1 of the normalised x gives the gate, the channels that pass plainly
 * and those that a depthwise convolution mixes with their neighbours.
 */
function block(engine: Engine, x: Tensor4D, layers: NamedLayers): Tensor4D {
  const { tf } = engine;
  const kernel = layers.tensor<Tensor4D>('conv.weight');
  const [mixing] = kernel.shape;
  const hidden = layers.tensor('fc2.weight').shape[1]!;
  // Rows of a weight are split at little cost; columns of what it gives would be copied pixel by pixel.
  const sizes = [hidden, hidden - mixing, mixing];
  const padding = (kernel.shape[2] - 1) / 2;
  return tf.tidy(() => {
    const weights = tf.split<Tensor2D>(layers.tensor('fc1.weight'), sizes);
    const biases = tf.split<Tensor1D>(layers.tensor('fc1.bias'), sizes);
    return onPixels(engine, x, (pixels) => {
      const normalised = layers.norm('norm', pixels);
      const [gate, plain, convolved] = weights.map((weight, part) =>
        linear(engine, normalised, { weight, bias: biases[part]! }),
      ) as [Tensor2D, Tensor2D, Tensor2D];
      const map: Tensor4D = tf.reshape(convolved, [x.shape[0], x.shape[1], x.shape[2], mixing]);
      const bias = layers.tensor<Tensor1D>('conv.bias');
      const mixed = depthwiseConvolution(engine, map, { weight: kernel, bias, padding });
      const passed = tf.concat([plain, tf.reshape(mixed, convolved.shape)], 1);
      return tf.add(pixels, layers.linear('fc2', tf.mul(gelu(engine, gate), passed))) as Tensor2D;
    });
  });
}
