import type { Scalar, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import type { ParameterTensors } from '../parameters.ts';
import { flatGradient } from './flat-gradient.ts';

/**
 * The gradient of a loss over a whole batch whose inputs pass the encoder in parts, so that memory is bounded by a part
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
  const [count, height, width] = inputs.shape;
  if (count <= inputsAtOnce) return flatGradient(engine, parameters, { compute: () => loss(encode(inputs)) });
  return tf.tidy(() => {
    const starts = Array.from({ length: Math.ceil(count / inputsAtOnce) }, (_, part) => part * inputsAtOnce);
    const partAt = (start: number): Tensor3D =>
      tf.slice(inputs, [start, 0, 0], [Math.min(inputsAtOnce, count - start), height, width]);
    const encoded = tf.concat(starts.map((start) => tf.tidy(() => encode(partAt(start)))));
    const ofLoss = flatGradient(engine, new Map([['encoded', encoded], ...parameters]), {
      compute: () => loss(encoded),
    });
    const cotangents = tf.reshape(tf.slice(ofLoss.gradient, 0, encoded.size), encoded.shape);
    let gradient = tf.slice(ofLoss.gradient, encoded.size);
    ofLoss.gradient.dispose();
    for (const start of starts) {
      const sum = gradient;
      gradient = tf.tidy(() => {
        const part = partAt(start);
        const cotangent = tf.slice(cotangents, [start, 0], [part.shape[0], -1]) as Tensor2D;
        const ofPart = flatGradient(engine, parameters, { compute: () => encode(part), cotangent }).gradient;
        return tf.add(sum, ofPart);
      });
      sum.dispose();
    }
    return { value: ofLoss.value, gradient };
  });
}
