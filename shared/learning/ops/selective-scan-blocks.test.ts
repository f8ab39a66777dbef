import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { scanByBlocks } from './selective-scan-blocks.ts';
import { scanByLoop } from './selective-scan-loop.ts';
import type { ScanTensors } from './selective-scan-method.ts';

describeOnEachEngine('scanByBlocks()', (engine) => {
  // Segments of 22 tokens with a last one of 1, segments of 20 with a last one of 5, and one segment for all.
  test.each([22 * 2 * 18, 20 * 2 * 18, 2 ** 20])('agrees with the loop in segments of %i numbers', (segmentNumbers) => {
    const { tf } = engine();
    const sizes = { sequences: 2, length: 45, channels: 6, states: 3, groups: 2 };
    const shapes = [[2, 45, 6], [2, 45, 6], [6], [6, 3], [2, 45, 6], [2, 45, 6], [6]];
    const tensors = shapes.map((shape, index) =>
      normalTensor(engine(), `input ${index}`, shape),
    ) as readonly Tensor[] as ScanTensors;
    const dy = normalTensor<Tensor3D>(engine(), 'dy', [2, 48, 6]);
    const [loop, blocks] = [scanByLoop, scanByBlocks({ segmentNumbers })].map(({ forward, backward }) =>
      tf.tidy(() => {
        const { y, entering } = forward(engine(), { tensors, sizes, withLastState: true });
        return [y, ...backward(engine(), { tensors, sizes, entering, dy })];
      }),
    );
    loop!.forEach((expected, index) => {
      expect(blocks![index]!.shape).toEqual(expected.shape);
      expect(blocks![index]!.dataSync(), `result ${index}`).toBeAllClose(expected.dataSync(), {
        relative: 3e-6,
        absolute: 0,
      });
    });
  });
});
