import type { Tensor } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';

/** The result of `compute`, through which no gradient passes to anything that it uses. */
export function unrecorded<T extends Tensor>(engine: Engine, compute: () => T): T {
  // Operations inside an op that carries its own gradient are not recorded, and this one has no inputs to have gradients.
  return differentiable(engine, [], { forward: () => ({ value: compute(), keep: {} }), backward: () => [] });
}
