/** The selective scan as a JavaScript loop over the engine's memory. */
import type { Tensor3D } from '@tensorflow/tfjs-core';
import { hostLoop } from './host-loop.ts';
import { type ScanArrays, segmentLength } from './selective-scan-arrays.ts';
import { scanBackward } from './selective-scan-backward.ts';
import { scanForward } from './selective-scan-forward.ts';
import type { ScanGradients, ScanMethod } from './selective-scan-method.ts';

export const scanByLoop: ScanMethod = {
  forward: (engine, { tensors, sizes, withLastState }) => {
    const { sequences, length, channels, states } = sizes;
    const rows = length + (withLastState ? states : 0);
    const segments = Math.ceil(length / segmentLength(sizes));
    const [y, entering] = hostLoop(engine, tensors, {
      shapes: [
        [sequences, rows, channels],
        [sequences, segments, channels * states],
      ],
      loop: (arrays, [output, kept]) => scanForward(inputs(arrays), { y: output!, entering: kept!, sizes, rows }),
    }) as [Tensor3D, Tensor3D];
    return { y, entering };
  },
  backward: (engine, { tensors, entering, dy, sizes }) =>
    hostLoop(engine, [...tensors, entering, dy], {
      shapes: tensors.map(({ shape }) => shape),
      loop: (arrays, gradients) =>
        scanBackward(inputs(arrays), {
          entering: arrays[7]!,
          dy: arrays[8]!,
          gradients: inputs(gradients),
          sizes,
          rows: dy.shape[1],
        }),
    }) as unknown as ScanGradients,
};

function inputs([u, delta, deltaBias, aLog, b, c, d]: readonly Float32Array[]): ScanArrays {
  return { u: u!, delta: delta!, deltaBias: deltaBias!, aLog: aLog!, b: b!, c: c!, d: d! };
}
