import type { Tensor1D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, withHabits } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { clipGradient } from './clip-gradient.ts';

describeOnEachEngine('clipGradient()', (engine) => {
  test.each([true, false])('scales a long gradient down and leaves a short one (host loops: %s)', (hostLoops) => {
    const gradient = engine().tf.tensor1d([3, 4]);
    const clip = (norm: number) => clipGradient(withHabits(engine(), { hostLoops }), gradient, norm).dataSync();
    expect(clip(1)).toBeAllClose([0.6, 0.8], { relative: 1e-6, absolute: 0 });
    expect(clip(6)).toEqual(Float32Array.of(3, 4));
  });

  test('is a copy where no norm is too long', () => {
    const gradient = engine().tf.tensor1d([3, 4]);
    const copy = clipGradient(engine(), gradient, Number.POSITIVE_INFINITY);
    gradient.dispose();
    expect(copy.dataSync()).toEqual(Float32Array.of(3, 4));
  });

  test('leaves a gradient of zero zero', () => {
    expect(clipGradient(engine(), engine().tf.zeros([3]) as Tensor1D, 1).dataSync()).toEqual(new Float32Array(3));
  });
});
