/**
 * fVLM's image encoder: a vision transformer over volumes as MONAI names and computes it. Patches mapped linearly, learned
 * positions, blocks that normalise before attention and before the MLP, no class token. Drop-out (0.1) is left out.
 */
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../../engine/open-engine.ts';
import { addPositions } from '../../ops/add-positions.ts';
import { linear } from '../../ops/linear.ts';
import { linearOfData } from '../../ops/linear-of-data.ts';
import type { ParameterTensors } from '../../parameters.ts';
import { type NamedLayers, namedLayers } from '../named-layers.ts';
import { type BlockNames, transformerBlock } from '../transformer-block.ts';

const monai: BlockNames = { projection: 'attn.out_proj', widening: 'mlp.linear1', narrowing: 'mlp.linear2' };

export interface VolumeVit {
  readonly parameters: ParameterTensors;
  readonly depth: number;
  readonly heads: number;
  /** The blocks, counted from 0, whose output anatomies attend to besides the last. */
  readonly taps: readonly number[];
  /** Of the layer normalisations; 1e-5 unless given. */
  readonly epsilon?: number;
}

/** All matrices are [volumes * patches, width]. */
export interface VolumeTokens {
  /** After the last block and the final normalisation. */
  readonly last: Tensor2D;
  /** After each tapped block, not normalised, and then `last`: what anatomies attend to. */
  readonly levels: readonly Tensor2D[];
}

/**
 * @param patches [volumes * patches, patch voxels] as `volumePatches` cuts them.
 * @param options.inputGradient whether the patches get a gradient; otherwise they are data, which saves work.
 */
export function volumeVit(
  engine: Engine,
  patches: Tensor2D,
  {
    volumes,
    parameters,
    depth,
    heads,
    taps,
    epsilon = 1e-5,
    inputGradient = false,
  }: VolumeVit & { readonly volumes: number; readonly inputGradient?: boolean },
): VolumeTokens {
  const layers = namedLayers(engine, { parameters, prefix: 'visual_encoder', epsilon });
  return engine.tf.tidy(() => {
    let x = embed(engine, patches, { layers, volumes, inputGradient });
    const tapped: Tensor2D[] = [];
    for (let index = 0; index < depth; index += 1) {
      x = transformerBlock(engine, x, { layers, name: `blocks.${index}`, sequences: volumes, heads, names: monai });
      if (taps.includes(index)) tapped.push(x);
    }
    const last = layers.norm('norm', x);
    return { last, levels: [...tapped, last] };
  });
}

/** The convolution with a stride of its own size, as one product, and the positions. */
function embed(
  engine: Engine,
  patches: Tensor2D,
  { layers, volumes, inputGradient }: { layers: NamedLayers; volumes: number; inputGradient: boolean },
): Tensor2D {
  const { tf } = engine;
  const convolution = layers.tensor('patch_embedding.patch_embeddings.weight');
  const embedded = (inputGradient ? linear : linearOfData)(engine, patches, {
    weight: tf.reshape(convolution, [convolution.shape[0]!, -1]),
    bias: layers.tensor<Tensor1D>('patch_embedding.patch_embeddings.bias'),
  });
  const positions = layers.tensor<Tensor3D>('patch_embedding.position_embeddings');
  const [, places, width] = positions.shape;
  const tokens = patches.shape[0] / volumes;
  if (tokens !== places) {
    throw new TypeError(
      `Cannot embed volumes of ${tokens} patches: the position table has ${places}, so it belongs to another volume size`,
    );
  }
  return addPositions(engine, embedded, { table: tf.reshape(positions, [places, width]), sequences: volumes });
}
