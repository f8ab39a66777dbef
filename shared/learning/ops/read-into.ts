import type { Tensor } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { hostLoop } from './host-loop.ts';
import { copiesTensors, copyTensor } from './tensorflow-operation.ts';

/**
 * Copies a float32 tensor's numbers into `target`, which may lie in shared memory, with no array in between where the engine
 * can. Not for WebGPU, which cannot be waited for.
 *
 * @throws {TypeError} when the target has another size.
 */
export function readInto(engine: Engine, tensor: Tensor, target: Float32Array): void {
  if (target.length !== tensor.size) {
    throw new TypeError(`Cannot read a tensor: it has ${tensor.size} numbers, found room for ${target.length}`);
  }
  if (copiesTensors(engine)) copyTensor(engine, tensor, target);
  else hostLoop(engine, [tensor], { shapes: [], loop: ([numbers]) => target.set(numbers!) });
}
