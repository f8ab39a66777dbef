import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { ParameterLayout, PlacedTensor } from '../../tensors/layout.ts';
import type { Engine } from '../engine/open-engine.ts';
import { decaysByDefault } from './adamw.ts';
import { clipGradient } from './clip-gradient.ts';
import { flatConstant } from './flat-constant.ts';
import { holdParameters } from './held-parameters.ts';
import type { Optimiser } from './optimiser.ts';

export interface SgdSettings {
  /** How much of the last step's direction goes on; 0 unless given. */
  readonly momentum?: number;
  /** Looks ahead by one step of the momentum (Nesterov). */
  readonly nesterov?: boolean;
  /** The L2 penalty's strength: this much of a parameter is added to its gradient. */
  readonly weightDecay?: number;
  /** Which tensors decay; `decaysByDefault` unless given. */
  readonly decays?: (tensor: PlacedTensor) => boolean;
  /** Gradients are scaled down to this L2 norm first. */
  readonly clipNorm?: number;
  /** Turns the gradient, its penalty included, into the direction that momentum sums. */
  readonly direction?: (gradient: Tensor1D, parameters: Tensor1D) => Tensor1D;
}

/**
 * Stochastic gradient descent with momentum as PyTorch computes it: buffer = momentum * buffer + gradient, without
 * dampening, and the parameters move by learningRate * buffer (with Nesterov, by gradient + momentum * buffer).
 */
export function createSgd(
  engine: Engine,
  layout: ParameterLayout,
  { values, ...settings }: SgdSettings & { readonly values: Float32Array },
): Optimiser {
  const { tf } = engine;
  const { momentum = 0, nesterov = false, weightDecay = 0, decays = decaysByDefault } = settings;
  const { clipNorm = Number.POSITIVE_INFINITY, direction = (gradient: Tensor1D) => gradient } = settings;
  const held = holdParameters(engine, layout, values);
  const decay =
    weightDecay === 0 ? null : tf.tensor1d(flatConstant(layout, (tensor) => (decays(tensor) ? weightDecay : 0)));
  let buffer: Tensor1D = tf.zeros([layout.size]);

  return {
    ...held,
    memory: () => ({ momentum_buffer: buffer }),
    step(gradient, { learningRate }) {
      const parameters = held.flat();
      const along = tf.tidy(() => {
        const clipped = clipGradient(engine, gradient, clipNorm);
        const penalised: Tensor1D = decay === null ? clipped : tf.add(clipped, tf.mul(parameters, decay));
        return direction(penalised, parameters);
      });
      const last = buffer;
      buffer = tf.tidy(() => tf.add(tf.mul(last, momentum), along));
      last.dispose();
      held.replace((flat) => {
        const ahead: Tensor1D = nesterov ? tf.add(along, tf.mul(buffer, momentum)) : buffer;
        return tf.sub(flat, tf.mul(ahead, learningRate));
      });
      along.dispose();
    },
    dispose() {
      held.dispose();
      tf.dispose([buffer, ...(decay === null ? [] : [decay])]);
    },
  };
}
