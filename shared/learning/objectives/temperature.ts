import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from '../ops/differentiable.ts';

/** What similarities are divided by: a fixed number, or a learned parameter in one of the three forms that papers use. */
export type Temperature =
  | number
  /** CLIP: similarities are multiplied by exp(logitScale). */
  | { readonly logitScale: Scalar }
  /**
   * fVLM: similarities are divided by the parameter, which is moved into the bounds before; the gradient is that at the
   * moved value, so that a parameter outside can come back.
   */
  | { readonly divisor: Scalar; readonly bounds?: readonly [lowest: number, highest: number] }
  /** MaCo: similarities are multiplied by the parameter. */
  | { readonly factor: Scalar };

/** fVLM's bounds of its learned temperature. */
export const FVLM_TEMPERATURE_BOUNDS = [0.001, 0.5] as const;

/** The similarities divided by the temperature. */
export function divideByTemperature<T extends Tensor>(engine: Engine, similarities: T, temperature: Temperature): T {
  const { tf } = engine;
  if (typeof temperature === 'number') return tf.mul(similarities, 1 / temperature);
  if ('factor' in temperature) return tf.mul(similarities, temperature.factor);
  if ('logitScale' in temperature) return tf.mul(similarities, exponential(engine, temperature.logitScale));
  return tf.mul(similarities, reciprocal(engine, temperature.divisor, temperature.bounds));
}

function exponential(engine: Engine, x: Scalar): Scalar {
  const { tf } = engine;
  return differentiable(engine, [x], {
    forward: (exponent) => {
      const value: Scalar = tf.exp(exponent);
      return { value, keep: { value } };
    },
    backward: (dy, { value }) => [tf.mul(dy, value)],
  });
}

function reciprocal(engine: Engine, x: Scalar, bounds: readonly [number, number] | undefined): Scalar {
  const { tf } = engine;
  return differentiable(engine, [x], {
    forward: (divisor) => {
      const within = bounds === undefined ? divisor : tf.minimum(tf.maximum(divisor, bounds[0]), bounds[1]);
      const value: Scalar = tf.div(1, within);
      return { value, keep: { value } };
    },
    backward: (dy, { value }) => [tf.neg(tf.mul(dy, tf.square(value)))],
  });
}
