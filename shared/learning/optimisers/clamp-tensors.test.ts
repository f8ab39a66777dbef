import { expect, test } from 'vitest';
import { describeOnEachEngine, withHabits } from '../../test/each-engine.ts';
import { clampTensors } from './clamp-tensors.ts';

describeOnEachEngine('clampTensors()', (engine) => {
  test.each([true, false])('moves the named tensors into their bounds and no other (host loops: %s)', (hostLoops) => {
    const { tf } = engine();
    const flat = tf.tensor1d([9, -9, 9, 0.25, 9, 9]);
    const clamp = (bounded: Parameters<typeof clampTensors>[2]) => {
      const before = tf.memory().numTensors;
      const clamped = clampTensors(withHabits(engine(), { hostLoops }), flat, bounded);
      expect(tf.memory().numTensors).toBe(before + 1);
      return clamped.dataSync();
    };
    const bounds = { lowest: -1, highest: 0.5 };
    expect(clamp([{ offset: 1, size: 3, ...bounds }])).toEqual(Float32Array.of(9, -1, 0.5, 0.25, 9, 9));
    const ends = [
      { offset: 0, size: 1, ...bounds },
      { offset: 5, size: 1, ...bounds },
    ];
    expect(clamp(ends)).toEqual(Float32Array.of(0.5, -9, 9, 0.25, 9, 0.5));
  });
});
