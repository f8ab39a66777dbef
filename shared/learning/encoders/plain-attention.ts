/**
 * CLEAR's attention-based aggregation of slices: attention without gates (Ilse et al. 2018, arXiv 1802.04712, section 2.4),
 * and its head for the endpoints. Tensor names are those of `plainAttentionLayout`. Unlike CLEAR, padding gets no attention.
 */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { silu } from '../ops/silu.ts';
import { tanh } from '../ops/tanh.ts';
import type { ParameterTensors } from '../parameters.ts';
import { type AttendedBags, attentionPooling, type PackedBags } from './attention-pooling.ts';
import { namedLayers } from './named-layers.ts';

/**
 * The patients' vectors are means of the encoded slices.
 *
 * @param options.inputGradient whether the slices get a gradient; otherwise they are data, which saves work.
 */
export function plainAttention(
  engine: Engine,
  { slices, membership }: PackedBags,
  {
    inputGradient = false,
    ...names
  }: { readonly parameters: ParameterTensors; readonly prefix?: string; readonly inputGradient?: boolean },
): AttendedBags {
  const { linear, linearOfData } = namedLayers(engine, names);
  const encoded: Tensor2D = engine.tf.relu((inputGradient ? linear : linearOfData)('encoder.0', slices));
  const scores = linear('aggregator.2', tanh(engine, linear('aggregator.0', encoded)));
  return attentionPooling(engine, { slices: encoded, membership }, scores);
}

/** The logits [patients, outputs] of pooled patients. CLEAR's drop-out (0.5) is left out. */
export function plainAttentionHead(
  engine: Engine,
  patients: Tensor2D,
  names: {
    readonly parameters: ParameterTensors;
    readonly prefix?: string;
    /** Of the layer normalisation; 1e-5 unless given. */
    readonly epsilon?: number;
  },
): Tensor2D {
  const { linear, norm } = namedLayers(engine, names);
  return linear('head.4', silu(engine, linear('head.1', norm('head.0', patients))));
}
