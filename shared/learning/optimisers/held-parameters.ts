import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { ParameterLayout } from '../../tensors/layout.ts';
import type { Engine } from '../engine/open-engine.ts';
import { disposeParameters, splitParameters } from '../parameters.ts';
import type { Optimiser } from './optimiser.ts';

export interface HeldParameters extends Pick<Optimiser, 'parameters' | 'flat' | 'read' | 'dispose'> {
  /** Puts what `next` makes of the flat vector in its place, and frees the vector and its tensors. */
  replace(next: (flat: Tensor1D) => Tensor1D): void;
}

/**
 * Holds a flat vector of parameters together with the tensors it is cut into. Owns them all; `dispose` frees them.
 *
 * @throws {TypeError} when the vector's length is not the layout's.
 */
export function holdParameters(engine: Engine, layout: ParameterLayout, values: Float32Array): HeldParameters {
  const { tf } = engine;
  if (values.length !== layout.size) {
    throw new TypeError(`Cannot optimise: the layout has ${layout.size} numbers, found ${values.length}`);
  }
  // A copy: the plain engine would go on using the caller's array.
  let flat: Tensor1D = tf.tensor1d(values.slice());
  let tensors = splitParameters(engine, layout, flat);
  const free = () => {
    disposeParameters(tensors);
    flat.dispose();
  };
  return {
    parameters: () => tensors,
    flat: () => flat,
    read: async () => Float32Array.from(await flat.data<'float32'>()),
    replace(next) {
      const moved = tf.tidy(() => next(flat));
      free();
      flat = moved;
      tensors = splitParameters(engine, layout, flat);
    },
    dispose: free,
  };
}
