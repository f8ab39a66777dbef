import type { Tensor2D } from '@tensorflow/tfjs-core';
import { organEmbeddings } from '../../learning/encoders/anatomy/organ-embeddings.ts';
import { type Voxels, volumePatches } from '../../learning/encoders/anatomy/volume-patches.ts';
import { volumeVit } from '../../learning/encoders/anatomy/volume-vit.ts';
import { type Bert, bertClassTokens, bertTokens } from '../../learning/encoders/bert.ts';
import { pooledText, projectedText } from '../../learning/encoders/text-embedding.ts';
import type { EncodedTexts } from '../../learning/text/encode-texts.ts';
import type { GoldenContext, GoldenPrograms } from './program.ts';

export const textAndAnatomy: GoldenPrograms = {
  enc_bert_pooled: (context) => {
    const { cls, ...hidden } = hiddenStates(context);
    return { cls, ...hidden, pooled: pooledText(context.engine, cls, context) };
  },
  enc_bert_cls_proj: (context) => {
    const { cls, ...hidden } = hiddenStates(context);
    return { cls, ...hidden, embedding: projectedText(context.engine, cls, context) };
  },
  enc_fvlm_organ_attention: ({ engine, config, input, parameters, numbers, shape }) => {
    const { tf } = engine;
    const [volumes, , ...size] = shape('input.volume') as [number, number, number, number, number];
    const patches = volumePatches(
      engine,
      tf.reshape(input('volume'), [volumes, ...size]),
      config['patch'] as unknown as Voxels,
    );
    const { last, levels } = volumeVit(engine, patches, {
      volumes,
      parameters,
      depth: config['depth'] as number,
      heads: config['heads'] as number,
      taps: config['taps'] as number[],
      epsilon: config['norm_eps'] as number,
      inputGradient: true,
    });
    const [, organs, tokens] = shape('input.token_flags') as [number, number, number];
    const present = numbers('input.present');
    // An organ that counts as absent has no tokens, whatever its labels say.
    const flags = numbers('input.token_flags').map((flag, index) => flag * present[Math.floor(index / tokens)]!);
    return {
      tokens: tf.reshape(last, [volumes, -1, last.shape[1]]),
      organ_embedding: organEmbeddings(engine, levels, {
        parameters,
        heads: config['attn_heads'] as number,
        flags: tf.tensor3d(Float32Array.from(flags), [volumes, organs, tokens]),
      }),
    };
  },
};

function hiddenStates(context: GoldenContext) {
  const { engine, config, parameters } = context;
  const { tf } = engine;
  const [count, length] = context.shape('input.input_ids') as [number, number];
  const texts: EncodedTexts = {
    count,
    length,
    ids: context.numbers('input.input_ids') as Int32Array,
    attentionMask: context.numbers('input.attention_mask') as Int32Array,
    tokenTypeIds: context.numbers('input.token_type_ids') as Int32Array,
  };
  const bert: Bert = {
    parameters,
    depth: config['layers'] as number,
    heads: config['heads'] as number,
    epsilon: config['norm_eps'] as number,
  };
  const hidden: Tensor2D = bertTokens(engine, texts, bert);
  const valid = tf.tensor(Float32Array.from(texts.attentionMask), [count, length, 1]);
  return {
    cls: bertClassTokens(engine, texts, bert),
    hidden_valid: tf.mul(tf.reshape(hidden, [count, length, -1]), valid),
  };
}
