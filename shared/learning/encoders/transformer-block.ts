import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { attention } from '../ops/attention.ts';
import { gelu } from '../ops/gelu.ts';
import { firstTokens } from './first-tokens.ts';
import type { NamedLayers } from './named-layers.ts';

/** Names of the layers that libraries name differently. */
export interface BlockNames {
  readonly projection: string;
  readonly widening: string;
  readonly narrowing: string;
}

const timm: BlockNames = { projection: 'attn.proj', widening: 'mlp.fc1', narrowing: 'mlp.fc2' };

/**
 * timm's `Block`, which normalises before attention and before the MLP: [sequences * tokens, width] -> the same, or
 * [sequences, width] when only the class tokens are kept.
 *
 * @param options.layers with the tensors `norm1.*`, `attn.qkv.*`, `attn.proj.*`, `norm2.*`, `mlp.fc1.*`, `mlp.fc2.*` under `name`.
 * @param options.names where the layers are not named as timm names them.
 * @param options.tokens which tokens come out. Where nothing reads the others, `class` spares them the block's second half.
 */
export function transformerBlock(
  engine: Engine,
  x: Tensor2D,
  {
    layers,
    name,
    sequences,
    heads,
    tokens = 'all',
    names = timm,
  }: {
    readonly layers: NamedLayers;
    readonly name: string;
    readonly sequences: number;
    readonly heads: number;
    readonly tokens?: 'all' | 'class';
    readonly names?: BlockNames;
  },
): Tensor2D {
  const { tf } = engine;
  const kept = (input: Tensor2D) => (tokens === 'class' ? firstTokens(engine, input, sequences) : input);
  // What no gradient needs is freed at the end of the block.
  return tf.tidy(() => {
    const qkv = layers.linear(`${name}.attn.qkv`, layers.norm(`${name}.norm1`, x));
    const attended = attention(engine, qkv, { sequences, heads });
    const mixed: Tensor2D = tf.add(kept(x), layers.linear(`${name}.${names.projection}`, kept(attended)));
    const hidden = gelu(engine, layers.linear(`${name}.${names.widening}`, layers.norm(`${name}.norm2`, mixed)));
    return tf.add(mixed, layers.linear(`${name}.${names.narrowing}`, hidden)) as Tensor2D;
  });
}
