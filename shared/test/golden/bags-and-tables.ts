import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { gatedAttention } from '../../learning/encoders/gated-attention.ts';
import { gatedPooling } from '../../learning/encoders/gated-pooling.ts';
import { plainAttention, plainAttentionHead } from '../../learning/encoders/plain-attention.ts';
import { tabularEncoder } from '../../learning/encoders/tabular.ts';
import { infoNce } from '../../learning/objectives/info-nce.ts';
import { l2Normalise } from '../../learning/ops/l2-normalise.ts';
import { packBags } from '../packed-bags.ts';
import type { GoldenContext, GoldenPrograms } from './program.ts';

export const bagsAndTables: GoldenPrograms = {
  enc_abmil_gated_clam: (context) => {
    const bags = pack(context);
    const attended = gatedPooling(context.engine, bags, context);
    return { pooled: attended.patients, attention: bags.unpack(attended.attention()) };
  },
  enc_abmil_gated: (context) => {
    const bags = pack(context);
    const attended = gatedAttention(context.engine, bags, medform(context).bag);
    return { embedding: attended.patients, attention: bags.unpack(attended.attention()) };
  },
  enc_abmil_clear: (context) => {
    const { engine, config, parameters } = context;
    const bags = pack(context);
    const attended = plainAttention(engine, bags, { parameters, inputGradient: true });
    const pooled = attended.patients;
    return {
      pooled,
      logits: plainAttentionHead(engine, pooled, { parameters, epsilon: config['norm_eps'] as number }),
      attention: bags.unpack(attended.attention()),
    };
  },
  enc_clinical_mlp: (context) => ({
    embedding: tabularEncoder(context.engine, context.input<Tensor2D>('clinical'), medform(context).table),
  }),
  enc_medform_full: (context) => {
    const { engine, config, input } = context;
    const { tf } = engine;
    const temperature = config['temperature'] as number;
    const a = gatedAttention(engine, pack(context), medform(context).bag).patients;
    const b = tabularEncoder(engine, input<Tensor2D>('clinical'), medform(context).table);
    const cosines = tf.matMul(l2Normalise(engine, a), l2Normalise(engine, b), false, true);
    return {
      image_embedding: a,
      clinical_embedding: b,
      logits: tf.div(cosines, temperature),
      loss: infoNce(engine, { a, b }, { temperature }),
    };
  },
};

function medform({ parameters, config }: GoldenContext) {
  const common = { parameters, epsilon: config['norm_eps'] as number, inputGradient: true };
  return { bag: { ...common, prefix: 'wsi_embedder' }, table: { ...common, prefix: 'rna_embedder' } };
}

function pack({ engine, input, hasInput, numbers, shape }: GoldenContext) {
  const [patients, places] = shape('input.bag') as [number, number];
  const mask = hasInput('mask') ? numbers('input.mask') : new Array<number>(patients * places).fill(1);
  return packBags(engine, input<Tensor3D>('bag'), mask);
}
