/**
 * The gradients of the few TensorFlow.js operations that may stand between this project's own ops.
 *
 * The package `@tensorflow/tfjs-core`, as Node loads it, brings none; `@tensorflow/tfjs`, which would, is a hundred
 * megabytes of what a hospital does not need. An operation that is missing here fails by its name when a gradient is
 * taken; give it a line, or write an op with `differentiable`.
 */
import * as tf from '@tensorflow/tfjs-core';

const gradients: readonly tf.GradConfig[] = [
  {
    kernelName: tf.Add,
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      return { a: () => sumToShape(one(dy), a.shape), b: () => sumToShape(one(dy), b.shape) };
    },
  },
  {
    kernelName: tf.Sub,
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      return { a: () => sumToShape(one(dy), a.shape), b: () => sumToShape(tf.neg(one(dy)), b.shape) };
    },
  },
  {
    kernelName: tf.Multiply,
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      return {
        a: () => sumToShape(tf.mul(one(dy), b), a.shape),
        b: () => sumToShape(tf.mul(one(dy), a), b.shape),
      };
    },
  },
  {
    kernelName: tf.Sum,
    inputsToSave: ['x'],
    gradFunc: (dy, saved, attributes) => {
      const x = saved[0]!;
      const axes = tf.util.parseAxisParam(attributes['axis'] as number[], x.shape);
      const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
      return { x: () => tf.mul(tf.reshape(one(dy), kept), tf.onesLike(x)) };
    },
  },
  {
    kernelName: tf.Reshape,
    inputsToSave: ['x'],
    gradFunc: (dy, saved) => ({ x: () => tf.reshape(one(dy), saved[0]!.shape) }),
  },
  {
    kernelName: tf.Transpose,
    gradFunc: (dy, _, attributes) => ({
      x: () => tf.transpose(one(dy), tf.backend_util.getUndoAxesPermutation(attributes['perm'] as number[])),
    }),
  },
  {
    kernelName: tf.Concat,
    saveAllInputs: true,
    gradFunc: (dy, saved, attributes) => {
      const axis = tf.util.parseAxisParam(attributes['axis'] as number, saved[0]!.shape)[0]!;
      const parts = tf.split(
        one(dy),
        saved.map(({ shape }) => shape[axis]!),
        axis,
      );
      return Object.fromEntries(parts.map((part, index) => [index, () => part]));
    },
  },
  {
    kernelName: tf.SplitV,
    gradFunc: (dys, _, attributes) => ({ x: () => tf.concat(dys as tf.Tensor[], attributes['axis'] as number) }),
  },
  {
    kernelName: tf.Slice,
    inputsToSave: ['x'],
    gradFunc: (dy, saved, attributes) => {
      const x = saved[0]!;
      const { begin, size } = attributes as unknown as tf.SliceAttrs;
      const [starts, sizes] = tf.slice_util.parseSliceParams(x, begin, size) as [number[], number[]];
      const around = x.shape.map((whole, axis): [number, number] => {
        const before = starts[axis]!;
        return [before, whole - before - sizes[axis]!];
      });
      return { x: () => tf.pad(one(dy), around) };
    },
  },
  {
    // A clone, which joining a single part is too.
    kernelName: tf.Identity,
    gradFunc: (dy) => ({ x: () => one(dy) }),
  },
  {
    kernelName: tf.Relu,
    outputsToSave: [true],
    gradFunc: (dy, saved) => ({ x: () => tf.mul(one(dy), tf.step(saved[0]!)) }),
  },
];

/** Registers those that are not there yet: TensorFlow's native package brings its own. */
export function registerGradients(): void {
  for (const gradient of gradients) {
    // The type promises a gradient; the registry says undefined when there is none.
    if ((tf.getGradient(gradient.kernelName) as unknown) === undefined) tf.registerGradient(gradient);
  }
}

/** Of the operations that have one output. */
function one(dy: tf.Tensor | tf.Tensor[]): tf.Tensor {
  return Array.isArray(dy) ? dy[0]! : dy;
}

/** Undoes broadcasting: adds up what the same number was used for. */
function sumToShape(x: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, x.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(x, axes) : x, shape);
}
