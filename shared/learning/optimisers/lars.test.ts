import type { Tensor1D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { createLayout } from '../../tensors/layout.ts';
import { describeOnEachEngine, withHabits } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { createLars } from './lars.ts';

const layout = createLayout([
  { name: 'a.weight', shape: [1, 2], initialiser: { kind: 'zeros' }, group: 'all' },
  { name: 'a.bias', shape: [2], initialiser: { kind: 'zeros' }, group: 'all' },
  { name: 'b.weight', shape: [2, 1], initialiser: { kind: 'zeros' }, group: 'all' },
]);
const values = Float32Array.of(3, 4, 1, 1, 0, 0);

describeOnEachEngine('createLars()', (engine) => {
  test.each([
    true,
    false,
  ])('scales each matrix’s step to the matrix, whatever the gradient’s length (host loops: %s)', async (hostLoops) => {
    const move = async (scale: number) => {
      const optimiser = createLars(withHabits(engine(), { hostLoops }), layout, {
        values,
        momentum: 0,
        weightDecay: 0,
        trustCoefficient: 0.1,
      });
      const gradient = engine().tf.tensor1d([0, 2, 1, 2, 5, 0].map((value) => value * scale));
      optimiser.step(gradient, { learningRate: 1 });
      const moved = await optimiser.read();
      optimiser.dispose();
      return moved;
    };
    // The first matrix is 5 long, so its step is 0.5; biases and a matrix of zeros take the plain gradient.
    expect(await move(1)).toBeAllClose([3, 3.5, 0, -1, -5, 0], { relative: 1e-6, absolute: 0 });
    expect(await move(1e-3)).toBeAllClose([3, 3.5, 0.999, 0.998, -0.005, 0], { relative: 1e-6, absolute: 0 });
  });

  test('counts the penalty into the direction before it is scaled', async () => {
    const settings = { momentum: 0, weightDecay: 0.5, trustCoefficient: 0.1 };
    const optimiser = createLars(engine(), layout, { values, ...settings });
    optimiser.step(engine().tf.zeros([layout.size]) as Tensor1D, { learningRate: 1 });
    expect(await optimiser.read()).toBeAllClose([2.7, 3.6, 1, 1, 0, 0], { relative: 1e-6, absolute: 0 });
    optimiser.dispose();
  });

  test.each([true, false])('keeps no tensors (host loops: %s)', (hostLoops) => {
    const { tf } = engine();
    const gradient: Tensor1D = tf.ones([layout.size]);
    const before = tf.memory().numTensors;
    const settings = { momentum: 0.9, weightDecay: 0.1, trustCoefficient: 0.1 };
    const optimiser = createLars(withHabits(engine(), { hostLoops }), layout, { values, ...settings });
    const held = tf.memory().numTensors;
    optimiser.step(gradient, { learningRate: 0.1 });
    expect(tf.memory().numTensors).toBe(held);
    optimiser.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
