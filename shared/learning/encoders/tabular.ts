/**
 * The encoder of a table row, clinical values or gene expression: MEDFORM's MLP, two blocks of Linear, LayerNorm, ReLU and
 * a Linear into the shared space. Tensor names are those of `tabularLocalLayout` and `tabularSharedLayout`; the first block
 * stays at the site. MEDFORM's drop-out (0.2) is left out, as in the gated attention.
 */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import type { ParameterTensors } from '../parameters.ts';
import { namedLayers } from './named-layers.ts';

/**
 * @param rows [patients, inputs]: standardised values and missing indicators.
 * @param options.epsilon of the layer normalisations; 1e-5 unless given.
 * @param options.inputGradient whether the rows get a gradient; otherwise they are data, which saves work.
 * @returns [patients, embedding width], not normalised.
 */
export function tabularEncoder(
  engine: Engine,
  rows: Tensor2D,
  {
    inputGradient = false,
    ...names
  }: {
    readonly parameters: ParameterTensors;
    readonly prefix: string;
    readonly epsilon?: number;
    readonly inputGradient?: boolean;
  },
): Tensor2D {
  const { linear, linearOfData, norm } = namedLayers(engine, names);
  const first = (inputGradient ? linear : linearOfData)('blocks.0.0', rows);
  const second = linear('blocks.1.0', engine.tf.relu(norm('blocks.0.1', first)));
  return linear('blocks.2', engine.tf.relu(norm('blocks.1.1', second)));
}
