import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';
import { hostLoop } from './host-loop.ts';

interface Window {
  /** Pixels a side. */
  readonly size: number;
  readonly stride: number;
  /** Pixels around the image that are never the largest; less than `size`. */
  readonly padding: number;
}

/**
 * PyTorch's MaxPool2d: the largest number of each channel in each window, [images, height, width, channels] -> [images,
 * output height, output width, channels]. Where several are largest, the gradient goes to the first.
 */
export function maxPool(engine: Engine, x: Tensor4D, window: Window): Tensor4D {
  const pool = (engine.habits.hostLoops ? byHostLoop : byKernels)(engine, window);
  return differentiable(engine, [x], {
    forward: (map) => ({ value: pool.forward(map), keep: { map } }),
    backward: (dy, { map }) => [pool.backward(dy, map)],
  });
}

function byHostLoop(engine: Engine, window: Window) {
  return {
    forward: (map: Tensor4D): Tensor4D => {
      const [images, height, width, channels] = map.shape;
      const sizeAfter = (size: number) => Math.floor((size + 2 * window.padding - window.size) / window.stride) + 1;
      return hostLoop(engine, [map], {
        shapes: [[images, sizeAfter(height), sizeAfter(width), channels]],
        loop: ([values], [largest]) =>
          forEachLargest(map.shape, { window, values: values!, visit: (from, to) => (largest![to] = values![from]!) }),
      })[0] as Tensor4D;
    },
    backward: (dy: Tensor4D, map: Tensor4D): Tensor4D =>
      hostLoop(engine, [dy, map], {
        shapes: [map.shape],
        loop: ([gradient, values], [dx]) => {
          dx!.fill(0);
          forEachLargest(map.shape, { window, values: values!, visit: (from, to) => (dx![from]! += gradient![to]!) });
        },
      })[0] as Tensor4D,
  };
}

/** Visits, for each number that comes out, where it is the largest in its window. */
function forEachLargest(
  [images, height, width, channels]: Tensor4D['shape'],
  {
    window: { size, stride, padding },
    values,
    visit,
  }: { window: Window; values: Float32Array; visit: (from: number, to: number) => void },
): void {
  let to = 0;
  for (let image = 0; image < images; image += 1) {
    for (let top = -padding; top + size <= height + padding; top += stride) {
      for (let left = -padding; left + size <= width + padding; left += stride) {
        const [firstRow, lastRow] = [Math.max(0, top), Math.min(height, top + size) - 1];
        const [firstColumn, lastColumn] = [Math.max(0, left), Math.min(width, left + size) - 1];
        for (let channel = 0; channel < channels; channel += 1, to += 1) {
          let from = ((image * height + firstRow) * width + firstColumn) * channels + channel;
          let largest = values[from]!;
          for (let row = firstRow; row <= lastRow; row += 1) {
            let at = ((image * height + row) * width + firstColumn) * channels + channel;
            for (let column = firstColumn; column <= lastColumn; column += 1, at += channels) {
              if (values[at]! > largest) {
                largest = values[at]!;
                from = at;
              }
            }
          }
          visit(from, to);
        }
      }
    }
  }
}

/** The padding is put on first: TensorFlow's kernels know only their own ways of padding. */
function byKernels({ tf }: Engine, { size, stride, padding }: Window) {
  const around = (map: Tensor4D): Tensor4D => {
    const sides: [number, number] = [padding, padding];
    return tf.pad(map, [[0, 0], sides, sides, [0, 0]], Number.NEGATIVE_INFINITY);
  };
  return {
    forward: (map: Tensor4D): Tensor4D => tf.maxPool(around(map), size, stride, 'valid'),
    backward: (dy: Tensor4D, map: Tensor4D): Tensor4D => {
      const input = around(map);
      const output = tf.maxPool(input, size, stride, 'valid');
      const attributes = { filterSize: [size, size], strides: [stride, stride], pad: 'valid' };
      const dInput = tf.engine().runKernel<Tensor4D>(tf.MaxPoolGrad, { dy, input, output }, attributes);
      return tf.slice(dInput, [0, padding, padding, 0], [-1, map.shape[1], map.shape[2], -1]);
    },
  };
}
