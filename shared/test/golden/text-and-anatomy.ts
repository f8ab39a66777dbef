import type { Tensor2D } from '@tensorflow/tfjs-core';
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
  const bert: Bert = { parameters, depth: config['layers'] as number, heads: config['heads'] as number };
  const hidden: Tensor2D = bertTokens(engine, texts, bert);
  const valid = tf.tensor(Float32Array.from(texts.attentionMask), [count, length, 1]);
  return {
    cls: bertClassTokens(engine, texts, bert),
    hidden_valid: tf.mul(tf.reshape(hidden, [count, length, -1]), valid),
  };
}
