import type { Tensor } from '@tensorflow/tfjs-core';
import type { Engine } from '../learning/engine/open-engine.ts';
import { loadParameters, type ParameterTensors } from '../learning/parameters.ts';
import { initialise } from '../tensors/initialise.ts';
import type { ParameterLayout } from '../tensors/layout.ts';

/** The tensors of a layout as they start. */
export function startingParameters(engine: Engine, layout: ParameterLayout): ParameterTensors {
  return loadParameters(engine, layout, initialise(layout, 1));
}

/**
 * The names of the parameters that no gradient of the squared output reaches. A network that forgets a tensor, or reads one
 * where it should read another, names it here.
 */
export function untrainedParameters(
  { tf }: Engine,
  { parameters, evaluate }: { readonly parameters: ParameterTensors; readonly evaluate: () => Tensor },
): string[] {
  const { value, grads } = tf.engine().gradients(
    () => {
      const y = evaluate();
      return tf.sum(tf.mul(y, y));
    },
    [...parameters.values()],
    undefined,
    true,
  );
  const names = [...parameters.keys()].filter((_, index) => {
    const gradient = grads[index] as Tensor | null;
    return gradient === null || gradient.dataSync().every((number) => number === 0);
  });
  tf.dispose([value, ...grads]);
  return names;
}
