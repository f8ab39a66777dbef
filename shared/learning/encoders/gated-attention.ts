/**
 * A patient's vector from the embeddings of the patient's slices: MEDFORM's bag encoder, gated attention pooling behind two
 * pre-attention layers. Tensor names are those of `gatedAttentionLayout`.
 *
 * MEDFORM's drop-outs (0.1 after each pre-attention layer, 0.25 on the gates) are left out: they would draw several random
 * numbers for each activation, and training would depend on a further seed.
 */
import type { Engine } from '../engine/open-engine.ts';
import { gelu } from '../ops/gelu.ts';
import type { ParameterTensors } from '../parameters.ts';
import type { AttendedBags, PackedBags } from './attention-pooling.ts';
import { gatedPooling } from './gated-pooling.ts';
import { namedLayers } from './named-layers.ts';

/**
 * The patients' vectors are means of the hidden slices, not of the slices that come in.
 *
 * @param options.epsilon of the layer normalisations.
 * @param options.inputGradient whether the slices get a gradient; otherwise they are data, which saves work.
 */
export function gatedAttention(
  engine: Engine,
  { slices, membership }: PackedBags,
  {
    parameters,
    prefix,
    epsilon = 1e-5,
    inputGradient = false,
  }: {
    readonly parameters: ParameterTensors;
    readonly prefix: string;
    readonly epsilon?: number;
    readonly inputGradient?: boolean;
  },
): AttendedBags {
  const { linear, linearOfData, norm } = namedLayers(engine, { parameters, prefix, epsilon });
  const ofInput = inputGradient ? linear : linearOfData;
  const first = gelu(engine, norm('pre_attn.1', ofInput('pre_attn.0', slices)));
  const hidden = gelu(engine, norm('pre_attn.5', linear('pre_attn.4', first)));
  return gatedPooling(engine, { slices: hidden, membership }, { parameters, prefix: `${prefix}.attn` });
}
