import type { Tensor1D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { createLayout } from '../../tensors/layout.ts';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { parameter } from '../parameters.ts';
import { createAdamW, decaysByDefault } from './adamw.ts';

const zeros = { kind: 'zeros' } as const;
const layout = createLayout([
  { name: 'fc1.weight', shape: [5, 4], initialiser: zeros, group: 'all' },
  { name: 'fc1.bias', shape: [5], initialiser: zeros, group: 'all' },
  { name: 'fc2.weight', shape: [3, 5], initialiser: zeros, group: 'all' },
  { name: 'fc2.bias', shape: [3], initialiser: zeros, group: 'all' },
]);

describeOnEachEngine('createAdamW()', (engine) => {
  test('takes a first step of the learning rate against each sign, and decays matrices apart from it', async () => {
    const values = new Float32Array(layout.size).fill(2);
    const optimiser = createAdamW(engine(), layout, {
      values,
      beta1: 0.9,
      beta2: 0.99,
      weightDecay: 0.5,
      clipNorm: Number.POSITIVE_INFINITY,
    });
    const gradient = engine().tf.fill([layout.size], 3) as Tensor1D;
    optimiser.step(gradient, { learningRate: 0.1 });
    const moved = await optimiser.read();
    expect([moved[0], moved[20]]).toBeAllClose([2 - 0.1 - 0.1, 2 - 0.1], { relative: 1e-6, absolute: 0 });
    const { exp_avg: first, exp_avg_sq: second } = optimiser.memory();
    expect([first!.dataSync()[0], second!.dataSync()[0]]).toBeAllClose([0.3, 0.09], { relative: 1e-5, absolute: 0 });
    expect(optimiser.flat().dataSync()).toEqual(moved);
    optimiser.dispose();
  });

  test('adds an L2 penalty to the gradient when asked to, so that a step has the same length', async () => {
    const values = new Float32Array(layout.size).fill(2);
    const settings = { beta1: 0.9, beta2: 0.99, weightDecay: 0.5, clipNorm: 1, decayForm: 'l2' } as const;
    const optimiser = createAdamW(engine(), layout, { values, ...settings });
    optimiser.step(engine().tf.zeros([layout.size]) as Tensor1D, { learningRate: 0.1 });
    const moved = await optimiser.read();
    expect([moved[0], moved[20]]).toBeAllClose([1.9, 2], { relative: 1e-6, absolute: 0 });
    optimiser.dispose();
  });

  test('moves a tensor with bounds back into them after each step', async () => {
    const optimiser = createAdamW(engine(), layout, {
      ...{ values: new Float32Array(layout.size), beta1: 0.9, beta2: 0.99, weightDecay: 0, clipNorm: 1 },
      bounds: ({ name }) => (name === 'fc1.bias' ? [-0.5, 0.5] : null),
    });
    const gradient: Tensor1D = engine().tf.ones([layout.size]);
    optimiser.step(gradient, { learningRate: 2 });
    const moved = await optimiser.read();
    expect([moved[0], moved[20], moved[24], moved[25]]).toBeAllClose([-2, -0.5, -0.5, -2], {
      relative: 1e-6,
      absolute: 0,
    });
    expect(parameter(optimiser.parameters(), 'fc1.bias').dataSync()[0]).toBe(-0.5);
    optimiser.dispose();
  });

  test.each([true, false])('splits the vector into tensors and reads it back (host loops: %s)', async (hostLoops) => {
    const values = Float32Array.from({ length: layout.size }, (_, index) => index);
    const settings = { beta1: 0.9, beta2: 0.99, weightDecay: 0, clipNorm: 1 };
    const optimiser = createAdamW(withHabits(engine(), { hostLoops }), layout, { values, ...settings });
    expect(parameter(optimiser.parameters(), 'fc2.bias').dataSync()).toEqual(Float32Array.of(40, 41, 42));
    expect(parameter(optimiser.parameters(), 'fc2.weight').shape).toEqual([3, 5]);
    values.fill(-1);
    expect((await optimiser.read())[41]).toBe(41);
    optimiser.dispose();
  });

  test('holds the same number of tensors after every step, and none after dispose()', () => {
    const { tf } = engine();
    const gradient = normalTensor<Tensor1D>(engine(), 'gradient', [layout.size]);
    const before = tf.memory().numTensors;
    const settings = { beta1: 0.9, beta2: 0.99, weightDecay: 0.1, clipNorm: 1 };
    const optimiser = createAdamW(engine(), layout, { values: new Float32Array(layout.size), ...settings });
    const held = tf.memory().numTensors;
    for (let step = 0; step < 5; step += 1) {
      optimiser.step(gradient, { learningRate: 0.1 });
      expect(tf.memory().numTensors).toBe(held);
    }
    optimiser.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('refuses a vector of another length', () => {
    const settings = { beta1: 0.9, beta2: 0.99, weightDecay: 0, clipNorm: 1 };
    expect(() => createAdamW(engine(), layout, { values: new Float32Array(3), ...settings })).toThrow(TypeError);
  });
});

test('decaysByDefault() spares vectors, the class token and the position table, as timm does', () => {
  const decays = (name: string, shape: number[]) =>
    decaysByDefault(createLayout([{ name, shape, initialiser: zeros, group: 'all' }]).tensors[0]!);
  expect(decays('blocks.0.attn.qkv.weight', [9, 3])).toBe(true);
  expect(decays('patch_embed.proj.weight', [3, 1, 2, 2])).toBe(true);
  expect(decays('norm.weight', [3])).toBe(false);
  expect(decays('pos_embed', [1, 5, 3])).toBe(false);
  expect(decays('cls_token', [1, 1, 3])).toBe(false);
});
