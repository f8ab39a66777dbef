import type { Scalar, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import type { ParameterTensors } from '../parameters.ts';
import { towersGradient } from './towers-gradient.ts';

/**
 * The gradient of a loss over a whole batch whose inputs pass one encoder in parts, so that memory is bounded by a part
 * (gradient caching, Gao et al. 2021, arXiv 2101.06983). With one part it is the plain gradient; with more, each part passes
 * the encoder once more, which costs a third of a step and changes nothing but rounding. The caller disposes the results.
 */
export function cachedGradient(
  engine: Engine,
  parameters: ParameterTensors,
  {
    inputs,
    inputsAtOnce,
    encode,
    loss,
  }: {
    readonly inputs: Tensor3D;
    readonly inputsAtOnce: number;
    /** Each input on its own: a row must not depend on the other inputs. */
    readonly encode: (part: Tensor3D) => Tensor2D;
    /** Of all rows together; it may have parameters of its own. */
    readonly loss: (encoded: Tensor2D) => Scalar;
  },
): { value: Scalar; gradient: Tensor1D } {
  const { tf } = engine;
  const [rows, height, width] = inputs.shape;
  const partOf = ({ first, count }: { first: number; count: number }): Tensor3D =>
    count === rows ? inputs : tf.slice(inputs, [first, 0, 0], [count, height, width]);
  return towersGradient(engine, parameters, {
    towers: [{ rows, rowsAtOnce: inputsAtOnce, encode: (range) => ({ rows: encode(partOf(range)) }) }],
    loss: ([encoded]) => loss(encoded!),
  });
}
