/**
 * The encoder of a table row, clinical values or gene expression: MEDFORM's MLP, two blocks of Linear, LayerNorm, ReLU and
 * a Linear into the shared space. Tensor names are those of `tabularLocalLayout` and `tabularSharedLayout`; the first block
 * stays at the site. MEDFORM's drop-out (0.2) is left out, as in the gated attention.
 */
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { layerNorm } from '../ops/layer-norm.ts';
import { linear } from '../ops/linear.ts';
import { linearOfData } from '../ops/linear-of-data.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';

/** PyTorch's default, which MEDFORM keeps. */
const EPSILON = 1e-5;

/**
 * @param rows [patients, inputs]: standardised values and missing indicators; data, which gets no gradient.
 * @returns [patients, embedding width], not normalised.
 */
export function tabularEncoder(
  engine: Engine,
  rows: Tensor2D,
  { parameters, prefix }: { readonly parameters: ParameterTensors; readonly prefix: string },
): Tensor2D {
  const tensorsOf = (name: string) => ({
    weight: parameter<Tensor2D>(parameters, `${prefix}.${name}.weight`),
    bias: parameter<Tensor1D>(parameters, `${prefix}.${name}.bias`),
  });
  const finish = (name: string, x: Tensor2D) =>
    engine.tf.relu(
      layerNorm(engine, x, {
        weight: parameter<Tensor1D>(parameters, `${prefix}.${name}.weight`),
        bias: parameter<Tensor1D>(parameters, `${prefix}.${name}.bias`),
        epsilon: EPSILON,
      }),
    );
  const first = finish('blocks.0.1', linearOfData(engine, rows, tensorsOf('blocks.0.0')));
  const second = finish('blocks.1.1', linear(engine, first, tensorsOf('blocks.1.0')));
  return linear(engine, second, tensorsOf('blocks.2'));
}
