/**
 * BERT as transformers computes it (Devlin et al. 2019, arXiv 1810.04805): the sum of word, position and token type
 * embeddings, normalised, then blocks that normalise after attention and after the MLP. Parameters bear the names of
 * transformers' `BertModel`. Drop-out is left out.
 */
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { addPositions } from '../ops/add-positions.ts';
import { attention } from '../ops/attention.ts';
import { embedding } from '../ops/embedding.ts';
import { gelu } from '../ops/gelu.ts';
import { linear } from '../ops/linear.ts';
import type { ParameterTensors } from '../parameters.ts';
import type { EncodedTexts } from '../text/encode-texts.ts';
import { firstTokens } from './first-tokens.ts';
import { type NamedLayers, namedLayers } from './named-layers.ts';

/** BERT's `layer_norm_eps`. */
const BERT_EPSILON = 1e-12;

export interface Bert {
  readonly parameters: ParameterTensors;
  /** Before every name, for example `text_encoder`; empty by default. */
  readonly prefix?: string;
  readonly depth: number;
  readonly heads: number;
  /** The word whose embedding is never trained (`pad_token_id`), 0 by default. */
  readonly paddingId?: number;
  /** Of the layer normalisations; 1e-12 unless given. */
  readonly epsilon?: number;
}

/** The last hidden state of each text's first token ([CLS]): [texts, width]. */
export function bertClassTokens(engine: Engine, texts: EncodedTexts, bert: Bert): Tensor2D {
  return encode(engine, texts, { ...bert, tokens: 'class' });
}

/** The last hidden state of all tokens, [texts * length, width]; rows of padding hold arbitrary values. */
export function bertTokens(engine: Engine, texts: EncodedTexts, bert: Bert): Tensor2D {
  return encode(engine, texts, { ...bert, tokens: 'all' });
}

function encode(
  engine: Engine,
  texts: EncodedTexts,
  {
    parameters,
    prefix = '',
    depth,
    heads,
    paddingId = 0,
    epsilon = BERT_EPSILON,
    tokens,
  }: Bert & { readonly tokens: 'all' | 'class' },
): Tensor2D {
  const { tf } = engine;
  const { count: sequences, length } = texts;
  const layers = namedLayers(engine, { parameters, prefix, epsilon });
  return tf.tidy(() => {
    const validTokens = tf.tensor2d(Float32Array.from(texts.attentionMask), [sequences, length]);
    let x = embed(engine, texts, { layers, paddingId });
    for (let index = 0; index < depth; index += 1) {
      // Nothing reads the last block's other tokens, so only the class tokens pass its second half.
      const kept = index === depth - 1 ? tokens : 'all';
      x = block(engine, x, { layers, name: `encoder.layer.${index}`, sequences, heads, validTokens, tokens: kept });
    }
    return x;
  });
}

function embed(
  engine: Engine,
  { ids, tokenTypeIds, count }: EncodedTexts,
  { layers, paddingId }: { readonly layers: NamedLayers; readonly paddingId: number },
): Tensor2D {
  const table = (kind: string) => layers.tensor<Tensor2D>(`embeddings.${kind}_embeddings.weight`);
  const words = embedding(engine, table('word'), { ids, paddingId });
  const types = embedding(engine, table('token_type'), { ids: tokenTypeIds });
  const sum = addPositions(engine, engine.tf.add(words, types), { table: table('position'), sequences: count });
  return layers.norm('embeddings.LayerNorm', sum);
}

interface BlockOptions {
  readonly layers: NamedLayers;
  readonly name: string;
  readonly sequences: number;
  readonly heads: number;
  readonly validTokens: Tensor2D;
  /** Which tokens come out: a `class` block returns [texts, width]. */
  readonly tokens: 'all' | 'class';
}

function block(engine: Engine, x: Tensor2D, options: BlockOptions): Tensor2D {
  const { tf } = engine;
  const { layers, name, sequences, heads, validTokens, tokens } = options;
  const kept = (input: Tensor2D) => (tokens === 'class' ? firstTokens(engine, input, sequences) : input);
  // What no gradient needs is freed at the end of the block.
  return tf.tidy(() => {
    const qkv = queriesKeysValues(engine, x, { layers, name: `${name}.attention.self` });
    const attended = kept(attention(engine, qkv, { sequences, heads, validTokens }));
    const mapped = layers.linear(`${name}.attention.output.dense`, attended);
    const mixed = layers.norm(`${name}.attention.output.LayerNorm`, tf.add(kept(x), mapped));
    const hidden = gelu(engine, layers.linear(`${name}.intermediate.dense`, mixed));
    const widened = layers.linear(`${name}.output.dense`, hidden);
    return layers.norm(`${name}.output.LayerNorm`, tf.add(mixed, widened));
  });
}

/** BERT keeps three maps apart; one product of their stack is faster. */
function queriesKeysValues(
  engine: Engine,
  x: Tensor2D,
  { layers, name }: { readonly layers: NamedLayers; readonly name: string },
): Tensor2D {
  const { tf } = engine;
  const parts = ['query', 'key', 'value'];
  return linear(engine, x, {
    weight: tf.concat(parts.map((part) => layers.tensor<Tensor2D>(`${name}.${part}.weight`))),
    bias: tf.concat(parts.map((part) => layers.tensor<Tensor1D>(`${name}.${part}.bias`))),
  });
}
