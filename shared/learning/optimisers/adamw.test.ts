import type { Tensor1D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { createLayout } from '../../tensors/layout.ts';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import { type Golden, goldenTest } from '../../test/golden.ts';
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

/** The tensors of that prefix as a flat vector in layout order. */
function flatOf(golden: Golden, prefix: string): Float32Array {
  const values = new Float32Array(layout.size);
  for (const { name, offset } of layout.tensors) values.set(golden.values(`${prefix}.${name}`), offset);
  return values;
}

describeOnEachEngine('createAdamW()', (engine) => {
  /** Replays the trace: the gradient of each step is given, so the starting point is what the first step moved away from. */
  const replay = async (
    golden: Golden,
    settings: { decays: Parameters<typeof createAdamW>[2]['decays']; clipNorm: number },
  ) => {
    const {
      betas,
      eps,
      weight_decay: weightDecay,
      lrs,
    } = golden.config as { betas: [number, number]; lrs: number[] } & Record<string, number>;
    const optimiser = createAdamW(engine(), layout, {
      values: flatOf(golden, 'param'),
      beta1: betas[0],
      beta2: betas[1],
      epsilon: eps!,
      weightDecay: weightDecay!,
      clipNorm: settings.clipNorm,
      ...(settings.decays === undefined ? {} : { decays: settings.decays }),
    });
    for (const [index, learningRate] of lrs.entries()) {
      optimiser.step(engine().tf.tensor1d(flatOf(golden, `output.step${index + 1}.grad`)), { learningRate });
      const expected = flatOf(golden, `output.step${index + 1}.param`);
      expect(await optimiser.read(), `step ${index + 1}`).toBeAllClose(expected, golden.outputTolerance);
    }
    optimiser.dispose();
  };
  goldenTest('opt_adamw_maco_groups', 'agrees with PyTorch where biases do not decay, by default', (golden) =>
    replay(golden, { decays: undefined, clipNorm: 1e6 }),
  );
  goldenTest('opt_adamw', 'agrees with PyTorch where everything decays', (golden) =>
    replay(golden, { decays: () => true, clipNorm: 1e6 }),
  );
  goldenTest('opt_adamw_large_eps', 'adds epsilon outside the root, as PyTorch does', (golden) =>
    replay(golden, { decays: () => true, clipNorm: 1e6 }),
  );
  goldenTest('opt_adamw_warmup_clip', 'agrees with PyTorch over a schedule, with clipped gradients', (golden) =>
    replay(golden, { decays: () => true, clipNorm: golden.config['clip_norm'] as number }),
  );

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
