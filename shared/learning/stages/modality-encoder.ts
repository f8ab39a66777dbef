/** One modality's way into the shared space: its weights' layout, what it reads of a batch, and its forward pass. */
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { createLayout, type ParameterLayout } from '../../tensors/layout.ts';
import { gatedAttention } from '../encoders/gated-attention.ts';
import { tabularEncoder } from '../encoders/tabular.ts';
import type { Engine } from '../engine/open-engine.ts';
import type { Modality } from '../modality-pairs.ts';
import { linear } from '../ops/linear.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';
import { type AlignmentBatch, packRows, packSlices } from './alignment-batch.ts';

export interface ModalityEncoder {
  readonly modality: Modality;
  /** The travelling tensors, then the site's own. */
  readonly layout: ParameterLayout;
  /** The inputs of the given patients of a batch. The caller disposes them. */
  load(batch: AlignmentBatch, patients: readonly number[]): Tensor2D[];
  /**
   * From loaded inputs: `embedding` [patients, embedding width], not normalised, and `pooled`, for CT the patient's vector
   * before the projection.
   */
  encode(inputs: readonly Tensor2D[], parameters: ParameterTensors): { embedding: Tensor2D; pooled: Tensor2D | null };
}

export function createCtEncoder(
  engine: Engine,
  { layout, sliceWidth }: { readonly layout: ParameterLayout; readonly sliceWidth: number },
): ModalityEncoder {
  const { tf } = engine;
  return {
    modality: 'ct',
    layout,
    load(batch, patients) {
      const { values, membership, count } = packSlices(batch, sliceWidth, patients);
      return [tf.tensor2d(values, [count, sliceWidth]), tf.tensor2d(membership, [patients.length, count])];
    },
    encode([slices, membership], parameters) {
      const bags = { slices: slices!, membership: membership! };
      const pooled = gatedAttention(engine, bags, { parameters, prefix: 'pooling' }).patients;
      const embedding = linear(engine, pooled, {
        weight: parameter<Tensor2D>(parameters, 'pooling.proj.weight'),
        bias: parameter<Tensor1D>(parameters, 'pooling.proj.bias'),
      });
      return { embedding, pooled };
    },
  };
}

export function createTabularEncoder(
  engine: Engine,
  {
    modality,
    shared,
    local,
    inputWidth,
  }: {
    readonly modality: 'clinical' | 'expression';
    readonly shared: ParameterLayout;
    readonly local: ParameterLayout;
    readonly inputWidth: number;
  },
): ModalityEncoder {
  return {
    modality,
    layout: createLayout([...shared.tensors, ...local.tensors]),
    load(batch, patients) {
      const values = batch[modality];
      if (values === null) throw new TypeError(`Cannot load the patients: the batch has no ${modality} values`);
      return [engine.tf.tensor2d(packRows(values, inputWidth, patients), [patients.length, inputWidth])];
    },
    encode([rows], parameters) {
      return { embedding: tabularEncoder(engine, rows!, { parameters, prefix: modality }), pooled: null };
    },
  };
}
