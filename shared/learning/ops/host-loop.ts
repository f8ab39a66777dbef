/**
 * A JavaScript loop over tensors where they lie: the engine's memory is read and written without a copy in between.
 * For work that the engine's kernels do badly; only for engines whose habits say `hostLoops`, and never inside a
 * recorded forward pass, because no gradient is recorded.
 */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';

/**
 * Makes one float32 tensor for each shape and lets `loop` fill them. The arrays are only valid inside `loop`, which must
 * not make tensors: a growing WebAssembly memory would leave them empty. Outputs start with arbitrary values.
 */
export function hostLoop(
  { kind, tf }: Engine,
  inputs: readonly Tensor[],
  {
    shapes,
    loop,
  }: {
    readonly shapes: readonly (readonly number[])[];
    readonly loop: (inputs: Float32Array[], outputs: Float32Array[]) => void;
  },
): Tensor[] {
  if (kind !== 'wasm') {
    const outputs = shapes.map((shape) => new Float32Array(sizeOf(shape)));
    loop(
      inputs.map((input) => input.dataSync<'float32'>()),
      outputs,
    );
    return outputs.map((values, index) => tf.tensor(values, [...shapes[index]!]));
  }
  const backend = tf.backend() as BackendWasm;
  const made = shapes.map((shape) => backend.makeOutput([...shape], 'float32'));
  const values = (info: Parameters<BackendWasm['typedArrayFromHeap']>[0]) =>
    backend.typedArrayFromHeap(info) as Float32Array;
  loop(inputs.map(values), made.map(values));
  return made.map((info) => tf.engine().makeTensorFromTensorInfo(info));
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dimension) => size * dimension, 1);
}
