import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import '../../test/all-close.ts';
import { normalTensor } from '../../test/each-engine.ts';
import { installedEngine } from '../engine/install/installed-engine.ts';
import { type Engine, openEngine } from '../engine/open-engine.ts';
import { evaluateGelu } from './evaluate-gelu.ts';
import { fusedOperation, hasFusedOperations } from './tensorflow-operation.ts';

/** Large enough that the threads share the work, and not of a size that vector instructions divide. */
const [rows, width] = [301, 197];

describe.skipIf(installedEngine('native')?.source !== 'wheel')('fusedOperation()', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ prefer: ['native'] });
  });
  const run = (...args: [name: Parameters<typeof fusedOperation>[1], inputs: Tensor[]]) =>
    fusedOperation(engine, ...args);
  const values = (tensor: Tensor) => tensor.dataSync<'float32'>();

  test('is there on TensorFlow alone', async () => {
    expect(hasFusedOperations(engine)).toBe(true);
    expect(hasFusedOperations({ ...engine, kind: 'cuda' })).toBe(false);
  });

  test('computes GELU and its derivative from the far negative tail to the far positive', () => {
    const x = Float32Array.from({ length: rows * width }, (_, index) => (index / (rows * width)) * 24 - 12);
    const exact = { value: new Float32Array(x.length), derivative: new Float32Array(x.length) };
    evaluateGelu(x, exact);
    const [value, derivative] = run('Gelu', [engine.tf.tensor1d(x)]);
    expect(values(value!)).toBeAllClose(exact.value, { relative: 1e-6, absolute: 2e-7 });
    expect(values(derivative!)).toBeAllClose(exact.derivative, { relative: 1e-6, absolute: 3e-7 });
  });

  test('normalises rows and takes the gradient back as tensor operations do', () => {
    const { tf } = engine;
    const [x, dy] = [normalTensor(engine, 'x', [rows, width]), normalTensor(engine, 'dy', [rows, width])];
    const [weight, bias] = [normalTensor(engine, 'weight', [width]), normalTensor(engine, 'bias', [width])];
    const { mean, variance } = tf.moments(x, 1, true);
    const inverse = tf.rsqrt(tf.add(variance, 1e-5));
    const unit = tf.mul(tf.sub(x, mean), inverse);
    const [value, statistics] = run('LayerNorm', [x, weight, bias, tf.scalar(1e-5)]);
    const close = { relative: 1e-4, absolute: 1e-4 };
    expect(values(value!)).toBeAllClose(values(tf.add(tf.mul(unit, weight), bias)), close);
    const [dx, dWeight, dBias] = run('LayerNormGradient', [dy, x, weight, statistics!]);
    const dUnit = tf.mul(dy, weight);
    const along = tf.mul(unit, tf.mean(tf.mul(dUnit, unit), 1, true));
    const expected = tf.mul(tf.sub(tf.sub(dUnit, tf.mean(dUnit, 1, true)), along), inverse);
    expect(values(dx!)).toBeAllClose(values(expected), close);
    expect(values(dWeight!)).toBeAllClose(values(tf.sum(tf.mul(dy, unit), 0)), close);
    expect(values(dBias!)).toBeAllClose(values(tf.sum(dy, 0)), close);
  });

  test('gives the same sums to the bit each time, whichever threads are free', () => {
    const [x, dy] = [normalTensor(engine, 'x', [rows, width]), normalTensor(engine, 'dy', [rows, width])];
    const [weight, statistics] = [normalTensor(engine, 'weight', [width]), normalTensor(engine, 's', [rows, 2])];
    const once = () => values(run('LayerNormGradient', [dy, x, weight, statistics])[1]!);
    const first = once();
    for (let time = 0; time < 20; time += 1) expect(once()).toEqual(first);
  });

  test('takes the softmax of scaled rows, where scores are far apart too', () => {
    const { tf } = engine;
    const scores = tf.mul(normalTensor(engine, 'scores', [rows, width]), 60);
    const [weights] = run('Softmax', [scores, tf.scalar(0.7)]);
    const expected = tf.softmax(tf.mul(scores, 0.7));
    expect(values(weights!)).toBeAllClose(values(expected), { relative: 2e-5, absolute: 1e-7 });
    const dWeights = normalTensor(engine, 'dWeights', [rows, width]);
    const weighted = tf.mul(dWeights, expected);
    const dScores = tf.mul(tf.sub(weighted, tf.mul(expected, tf.sum(weighted, 1, true))), 0.7);
    const [found] = run('SoftmaxGradient', [dWeights, weights!, tf.scalar(0.7)]);
    expect(values(found!)).toBeAllClose(values(dScores), { relative: 1e-4, absolute: 1e-6 });
  });

  test('lets what is not a number through', () => {
    const row = engine.tf.tensor2d([[1, Number.NaN, 2]]);
    for (const tensor of [run('Gelu', [row])[0]!, run('Softmax', [row, engine.tf.scalar(1)])[0]!]) {
      expect(values(tensor)[1]).toBeNaN();
    }
    expect(values(run('L2Norm', [row])[0]!)[0]).toBeNaN();
  });

  test('adds squares in float64', () => {
    const x = engine.tf.fill([3_000_001], 0.1) as Tensor1D;
    const tenth = Math.fround(0.1);
    expect(values(run('L2Norm', [x])[0]!)[0]).toBe(Math.fround(Math.sqrt(3_000_001 * tenth * tenth)));
  });

  test('refuses tensors that do not fit together', () => {
    const x = normalTensor<Tensor2D>(engine, 'x', [2, 3]);
    const short = normalTensor<Tensor1D>(engine, 'short', [2]);
    expect(() => run('LayerNorm', [x, short, short, engine.tf.scalar(1)])).toThrow(
      'input 1 must have 3 numbers, found 2',
    );
  });
});
