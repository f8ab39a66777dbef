import type { Tensor1D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, withHabits } from '../../test/each-engine.ts';
import { goldenTest } from '../../test/golden.ts';
import '../../test/all-close.ts';
import { clipGradient } from './clip-gradient.ts';

describeOnEachEngine('clipGradient()', (engine) => {
  test.each([true, false])('scales a long gradient down and leaves a short one (host loops: %s)', (hostLoops) => {
    const gradient = engine().tf.tensor1d([3, 4]);
    const clip = (norm: number) => clipGradient(withHabits(engine(), { hostLoops }), gradient, norm).dataSync();
    expect(clip(1)).toBeAllClose([0.6, 0.8], { relative: 1e-6, absolute: 0 });
    expect(clip(6)).toEqual(Float32Array.of(3, 4));
  });

  test('leaves a gradient of zero zero', () => {
    expect(clipGradient(engine(), engine().tf.zeros([3]) as Tensor1D, 1).dataSync()).toEqual(new Float32Array(3));
  });

  goldenTest('opt_grad_clip', 'agrees with PyTorch', (golden) => {
    const { tf } = engine();
    const flat = (prefix: string) =>
      tf.concat(['w', 'b'].map((name) => tf.reshape(golden.load(engine(), `${prefix}.${name}`), [-1])));
    for (const [kind, norm] of Object.entries(golden.config['max_norm'] as Record<string, number>)) {
      const clipped = clipGradient(engine(), flat('input') as Tensor1D, norm);
      expect(clipped.dataSync(), kind).toBeAllClose(flat(`output.${kind}`).dataSync(), golden.outputTolerance);
    }
  });
});
