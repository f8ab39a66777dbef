/** A model's parameters as tensors: between the flat vector that travels and the named tensors that encoders use. */
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { ParameterLayout } from '../tensors/layout.ts';
import type { Engine } from './engine/open-engine.ts';
import { hostLoop } from './ops/host-loop.ts';
import { isTensorFlow } from './ops/tensorflow-operation.ts';

/** Tensors by their `state_dict` names, in layout order. */
export type ParameterTensors = ReadonlyMap<string, Tensor>;

/**
 * Makes the tensors of a flat vector in layout order. The caller disposes them with `disposeParameters`.
 *
 * @throws {TypeError} when the vector's length is not the layout's.
 */
export function loadParameters(engine: Engine, layout: ParameterLayout, values: Float32Array): ParameterTensors {
  if (values.length !== layout.size) {
    throw new TypeError(`Cannot load parameters: the layout has ${layout.size} numbers, found ${values.length}`);
  }
  const { tf, kind } = engine;
  if (isTensorFlow(engine)) {
    // TensorFlow may go on using the array that a tensor is made of, but not those that it is split into.
    const flat = tf.tensor1d(values);
    const tensors = splitParameters(engine, layout, flat);
    flat.dispose();
    return tensors;
  }
  return new Map(
    layout.tensors.map(({ name, shape, offset, size }) => {
      // A copy where the engine would go on using the caller's array; WebAssembly copies into its own memory.
      const own = kind === 'wasm' ? values.subarray(offset, offset + size) : values.slice(offset, offset + size);
      return [name, tf.tensor(own, [...shape], 'float32')];
    }),
  );
}

/** The same from a flat tensor, which stays the caller's. */
export function splitParameters(engine: Engine, layout: ParameterLayout, flat: Tensor1D): ParameterTensors {
  const { tf, habits } = engine;
  const { tensors: placed } = layout;
  const tensors = habits.hostLoops
    ? // The WebAssembly backend copies the whole vector for each slice of it.
      hostLoop(engine, [flat], {
        shapes: placed.map(({ shape }) => shape),
        loop: ([all], parts) => {
          parts.forEach((part, index) => {
            part.set(all!.subarray(placed[index]!.offset, placed[index]!.offset + part.length));
          });
        },
      })
    : tf.tidy(() =>
        tf
          .split(
            flat,
            placed.map(({ size }) => size),
          )
          .map((part, index) => tf.reshape(part, [...placed[index]!.shape])),
      );
  return new Map(placed.map(({ name }, index) => [name, tensors[index]!]));
}

/** The flat vector of the tensors, in layout order. */
export async function readParameters(layout: ParameterLayout, parameters: ParameterTensors): Promise<Float32Array> {
  const values = new Float32Array(layout.size);
  for (const { name, offset } of layout.tensors) {
    values.set(await parameter(parameters, name).data<'float32'>(), offset);
  }
  return values;
}

export function disposeParameters(parameters: ParameterTensors): void {
  for (const tensor of parameters.values()) tensor.dispose();
}

/**
 * The tensor of that name.
 *
 * @throws {RangeError} when there is none.
 */
export function parameter<T extends Tensor = Tensor>(parameters: ParameterTensors, name: string): T {
  const tensor = parameters.get(name);
  if (tensor === undefined) throw new RangeError(`Cannot find the parameter "${name}" among the model's tensors`);
  return tensor as T;
}
