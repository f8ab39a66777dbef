import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Lets a clone on WebAssembly share its original's memory, as a reshaped tensor does; the backend itself copies it. What an
 * op keeps for the way back is cloned by the library, so every training step would copy all of it. Nothing writes into a
 * tensor that is there already.
 */
export function shareClones(): void {
  tf.unregisterKernel(tf.Identity, 'wasm');
  tf.registerKernel({ kernelName: tf.Identity, backendName: 'wasm', kernelFunc: share });
}

const share: tf.KernelFunc = ({ inputs, backend }) => {
  const { dataId, shape, dtype } = inputs['x']!;
  (backend as BackendWasm).incRef(dataId);
  return { dataId, shape, dtype };
};
