import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { linearRecurrence } from './linear-recurrence.ts';

describeOnEachEngine('linearRecurrence()', (engine) => {
  // Less than a block, whole blocks, a block begun, two levels of blocks.
  test.each([
    [1, false],
    [16, true],
    [32, false],
    [37, true],
    [300, false],
    [300, true],
  ])('gives what one step after another gives (length %i, from the end: %s)', (length, fromEnd) => {
    const { tf } = engine();
    const [sequences, width] = [2, 3];
    const a: Tensor3D = tf.sigmoid(normalTensor(engine(), 'a', [sequences, length, width]));
    const x = normalTensor<Tensor3D>(engine(), 'x', [sequences, length, width]);
    const initial = normalTensor<Tensor2D>(engine(), 'initial', [sequences, width]);
    const [factors, additions, starts] = [a.dataSync(), x.dataSync(), initial.dataSync()];
    const expected = new Float64Array(sequences * length * width);
    for (let sequence = 0; sequence < sequences; sequence += 1) {
      for (let column = 0; column < width; column += 1) {
        let state = starts[sequence * width + column]!;
        for (let step = 0; step < length; step += 1) {
          const t = fromEnd ? length - 1 - step : step;
          const at = (sequence * length + t) * width + column;
          state = factors[at]! * state + additions[at]!;
          expected[at] = state;
        }
      }
    }
    const before = tf.memory().numTensors;
    const states = linearRecurrence(engine(), { a, x, initial }, { fromEnd });
    expect(tf.memory().numTensors).toBe(before + 1);
    expect(states.shape).toEqual([sequences, length, width]);
    expect(states.dataSync()).toBeAllClose(expected, { relative: 1e-6, absolute: 0 });
  });
});
