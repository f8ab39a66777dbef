import type { Tensor1D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { createLayout } from '../../tensors/layout.ts';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { createSgd, type SgdSettings } from './sgd.ts';

const layout = createLayout([
  { name: 'weight', shape: [1, 2], initialiser: { kind: 'zeros' }, group: 'all' },
  { name: 'bias', shape: [1], initialiser: { kind: 'zeros' }, group: 'all' },
]);

describeOnEachEngine('createSgd()', (engine) => {
  const after = async (gradients: number[][], settings: SgdSettings) => {
    const optimiser = createSgd(engine(), layout, { values: Float32Array.of(1, 2, 3), ...settings });
    for (const gradient of gradients) optimiser.step(engine().tf.tensor1d(gradient), { learningRate: 0.1 });
    const values = await optimiser.read();
    optimiser.dispose();
    return values;
  };
  const exactly = { relative: 1e-6, absolute: 0 };

  test('moves against the gradient', async () => {
    expect(await after([[1, 0, -1]], {})).toBeAllClose([0.9, 2, 3.1], exactly);
  });

  test('goes on by momentum, which Nesterov looks ahead along', async () => {
    const gradients = [
      [1, 0, 0],
      [0, 0, 0],
    ];
    // 1 - 0.1 - 0.05, and ahead: 1 - 0.1 (1 + 0.5) - 0.1 (0 + 0.25).
    expect((await after(gradients, { momentum: 0.5 }))[0]).toBeCloseTo(0.85, 6);
    expect((await after(gradients, { momentum: 0.5, nesterov: true }))[0]).toBeCloseTo(0.825, 6);
  });

  test('shrinks matrices and spares biases, after clipping the gradient', async () => {
    expect(await after([[0, 0, 0]], { weightDecay: 1 })).toBeAllClose([0.9, 1.8, 3], exactly);
    expect(await after([[30, 40, 0]], { clipNorm: 1 })).toBeAllClose([0.94, 1.92, 3], exactly);
  });

  test('holds the same number of tensors after every step, and none after dispose()', () => {
    const { tf } = engine();
    const gradient: Tensor1D = tf.ones([layout.size]);
    const before = tf.memory().numTensors;
    const optimiser = createSgd(engine(), layout, {
      values: new Float32Array(layout.size),
      momentum: 0.9,
      weightDecay: 0.1,
      clipNorm: 1,
    });
    const held = tf.memory().numTensors;
    for (let step = 0; step < 3; step += 1) {
      optimiser.step(gradient, { learningRate: 0.1 });
      expect(tf.memory().numTensors).toBe(held);
    }
    optimiser.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('refuses a vector of another length', () => {
    expect(() => createSgd(engine(), layout, { values: new Float32Array(2) })).toThrow(TypeError);
  });
});
