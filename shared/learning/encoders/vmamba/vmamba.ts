/**
 * VMamba, a vision state space model (Liu et al. 2024, arXiv 2401.10166), under the names of its code. Stages, blocks and
 * the forms of their parts follow from the parameters: the released models (`vmamba_tiny_s1l8` and its like) and the
 * defaults of `VSSM()`, which CLEAR takes.
 */
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../../engine/open-engine.ts';
import { convolution } from '../../ops/convolution.ts';
import { gelu } from '../../ops/gelu.ts';
import { meanOfPixels } from '../../ops/mean-of-pixels.ts';
import { type ParameterTensors, parameter } from '../../parameters.ts';
import { namedLayers } from '../named-layers.ts';
import { onPixels } from '../on-pixels.ts';
import { vssBlock } from './vss-block.ts';

export interface Vmamba {
  readonly parameters: ParameterTensors;
  /** Of all normalisations; PyTorch's default, 1e-5, unless given. */
  readonly epsilon?: number;
}

/** The last stage's map of images [images, height, width, channels]: [images, rows, columns, width]. */
export function vmambaFeatures(engine: Engine, images: Tensor4D, { parameters, epsilon = 1e-5 }: Vmamba): Tensor4D {
  const { tf } = engine;
  return tf.tidy(() => {
    let x = embedPatches(engine, images, { parameters, epsilon });
    for (let stage = 0; parameters.has(`layers.${stage}.blocks.0.norm.weight`); stage += 1) {
      for (let index = 0; parameters.has(`layers.${stage}.blocks.${index}.norm.weight`); index += 1) {
        x = vssBlock(engine, x, { parameters, prefix: `layers.${stage}.blocks.${index}`, epsilon });
      }
      const last = !parameters.has(`layers.${stage + 1}.blocks.0.norm.weight`);
      if (!last) x = downsample(engine, x, { parameters, epsilon, stage });
    }
    return x;
  });
}

/** The mean over the normalised pixels of such a map, [images, width]: what `classifier.head` receives. */
export function vmambaPooled(engine: Engine, features: Tensor4D, { parameters, epsilon = 1e-5 }: Vmamba): Tensor2D {
  const { norm } = namedLayers(engine, { parameters, prefix: 'classifier', epsilon });
  return engine.tf.tidy(() =>
    meanOfPixels(
      engine,
      onPixels(engine, features, (rows) => norm('norm', rows)),
    ),
  );
}

/** Two 3 x 3 convolutions that each halve the image, or one with the stride of its own size, normalised. */
function embedPatches(engine: Engine, images: Tensor4D, { parameters, epsilon }: Required<Vmamba>): Tensor4D {
  const { norm } = namedLayers(engine, { parameters, prefix: 'patch_embed', epsilon });
  const convolve = (x: Tensor4D, index: number, moves: { stride: number; padding: number }) =>
    convolution(engine, x, {
      weight: parameter<Tensor4D>(parameters, `patch_embed.${index}.weight`),
      bias: parameter<Tensor1D>(parameters, `patch_embed.${index}.bias`),
      ...moves,
    });
  if (!parameters.has('patch_embed.5.weight')) {
    const size = parameter<Tensor4D>(parameters, 'patch_embed.0.weight').shape[2];
    return onPixels(engine, convolve(images, 0, { stride: size, padding: 0 }), (rows) => norm('2', rows));
  }
  const half = convolve(images, 0, { stride: 2, padding: 1 });
  const active = onPixels(engine, half, (rows) => gelu(engine, norm('2', rows)));
  return onPixels(engine, convolve(active, 5, { stride: 2, padding: 1 }), (rows) => norm('7', rows));
}

/** Halves the map: a 3 x 3 convolution with padding (the released models) or a 2 x 2 without, normalised. */
function downsample(
  engine: Engine,
  x: Tensor4D,
  { parameters, epsilon, stage }: Required<Vmamba> & { readonly stage: number },
): Tensor4D {
  const { tensor, norm } = namedLayers(engine, { parameters, prefix: `layers.${stage}.downsample`, epsilon });
  const weight = tensor<Tensor4D>('1.weight');
  const padding = Math.floor((weight.shape[2] - 1) / 2);
  const halved = convolution(engine, x, { weight, bias: tensor<Tensor1D>('1.bias'), stride: 2, padding });
  return onPixels(engine, halved, (rows) => norm('3', rows));
}
