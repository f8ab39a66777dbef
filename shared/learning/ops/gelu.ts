import type { Tensor } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';
import { evaluateGelu } from './evaluate-gelu.ts';
import { hostLoop } from './host-loop.ts';
import { fusedOperation, hasFusedOperations } from './tensorflow-operation.ts';

/**
 * The Gaussian error linear unit in its exact form, x Phi(x) (Hendrycks and Gimpel 2016, arXiv 1606.08415), element by
 * element. Keeps only its derivative for the way back.
 */
export function gelu<T extends Tensor>(engine: Engine, x: T): T {
  const { tf } = engine;
  return differentiable(engine, [x], {
    forward: (input) => {
      const [value, derivative] = geluAndDerivative(engine, input);
      return { value: value as T, keep: { derivative } };
    },
    backward: (dy, kept) => [tf.mul(dy, kept.derivative)],
  });
}

function geluAndDerivative(engine: Engine, x: Tensor): readonly [Tensor, Tensor] {
  if (hasFusedOperations(engine)) return fusedOperation(engine, 'Gelu', [x]) as [Tensor, Tensor];
  return engine.habits.hostLoops ? geluByTable(engine, x) : geluByErf(engine, x);
}

/** Three times faster than WebAssembly's erf and exp, and closer to the true value. */
function geluByTable(engine: Engine, x: Tensor): readonly [Tensor, Tensor] {
  return hostLoop(engine, [x], {
    shapes: [x.shape, x.shape],
    loop: ([input], [value, derivative]) => evaluateGelu(input!, { value: value!, derivative: derivative! }),
  }) as [Tensor, Tensor];
}

function geluByErf({ tf }: Engine, x: Tensor): readonly [Tensor, Tensor] {
  const distribution = tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
  const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return [tf.mul(x, distribution), tf.add(distribution, tf.mul(x, density))] as [Tensor, Tensor];
}
