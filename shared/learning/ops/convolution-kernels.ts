import type { NamedAttrMap, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';

/** What a convolution by the engine's kernels and one of each channel by itself differ in. */
export interface KernelForm {
  /** Convolves padded images [n, height, width, channels] with a filter in the kernels' order. */
  readonly convolve: (padded: Tensor4D, filter: Tensor4D) => Tensor4D;
  /** The kernels' names. */
  readonly backpropInput: string;
  readonly backpropFilter: string;
  readonly attributes: NamedAttrMap;
  /** PyTorch's order of the weight to the kernels', and back. */
  readonly toFilter: readonly number[];
  readonly toWeight: readonly number[];
}

/**
 * A convolution by the engine's own kernels, and its way back. The zeros are added first: TensorFlow's kernels know only
 * their own ways of padding.
 */
export function convolutionByKernels(
  { tf }: Engine,
  { height, width, padding }: { readonly height: number; readonly width: number; readonly padding: number },
  { convolve, backpropInput, backpropFilter, attributes, toFilter, toWeight }: KernelForm,
) {
  const around = (x: Tensor4D): Tensor4D =>
    tf.pad(x, [
      [0, 0],
      [padding, padding],
      [padding, padding],
      [0, 0],
    ]);
  const filterOf = (weight: Tensor4D): Tensor4D => tf.transpose(weight, [...toFilter]);
  return {
    forward: (x: Tensor4D, weight: Tensor4D): Tensor4D => convolve(around(x), filterOf(weight)),
    backward: (dy: Tensor4D, x: Tensor4D, weight: Tensor4D): [Tensor4D, Tensor4D] => {
      const padded = around(x);
      const filter = filterOf(weight);
      const run = (name: string, inputs: Record<string, Tensor4D>, shapes: Record<string, number[]>): Tensor4D =>
        tf.engine().runKernel(name, inputs, { ...attributes, ...shapes });
      const dPadded = run(backpropInput, { dy, filter }, { inputShape: padded.shape });
      const dFilter = run(backpropFilter, { x: padded, dy }, { filterShape: filter.shape });
      return [
        tf.slice(dPadded, [0, padding, padding, 0], [-1, height, width, -1]),
        tf.transpose(dFilter, [...toWeight]),
      ];
    },
  };
}
