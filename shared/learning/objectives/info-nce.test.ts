import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { infoNce } from './info-nce.ts';

describeOnEachEngine('infoNce()', (engine) => {
  test('has the gradient of its differences', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (a, b) => infoNce(engine(), { a: a as Tensor2D, b: b as Tensor2D }, { temperature: 0.5 }),
      inputs: [normalTensor(engine(), 'a', [5, 4]), normalTensor(engine(), 'b', [5, 4])],
    });
  });

  test('is the logarithm of the number of patients when all look alike, and almost 0 when all are matched', () => {
    const { tf } = engine();
    const alike: Tensor2D = tf.ones([4, 3]);
    const [loss] = infoNce(engine(), { a: alike, b: alike }, { temperature: 0.07 }).dataSync();
    expect(loss).toBeCloseTo(Math.log(4), 5);
    const apart = tf.eye(4);
    expect(infoNce(engine(), { a: apart, b: apart }, { temperature: 0.05 }).dataSync()[0]).toBeLessThan(1e-6);
  });

  test('stays finite for a zero row and a small temperature', () => {
    const { tf } = engine();
    const a = tf.tensor2d([0, 0, 1, 0, 0, 1], [3, 2]);
    const b = tf.tensor2d([1, 0, -1, 0, 0, 1], [3, 2]);
    const loss = (x: Tensor2D) => infoNce(engine(), { a: x, b }, { temperature: 0.01 });
    const gradient = tf.grad((x) => loss(x as Tensor2D))(a);
    expect(loss(a).dataSync()[0]).toBeLessThan(Number.POSITIVE_INFINITY);
    expect([...gradient.dataSync()].every(Number.isFinite)).toBe(true);
  });

  test('does not depend on the order of the patients, on lengths, or on which view comes first', () => {
    const { tf } = engine();
    const [a, b] = [normalTensor<Tensor2D>(engine(), 'a', [5, 4]), normalTensor<Tensor2D>(engine(), 'b', [5, 4])];
    const loss = (views: { a: Tensor2D; b: Tensor2D }) => infoNce(engine(), views, { temperature: 0.1 }).dataSync()[0]!;
    const order = [3, 1, 4, 0, 2];
    expect(loss({ a: tf.gather(a, order), b: tf.gather(b, order) })).toBeCloseTo(loss({ a, b }), 5);
    expect(loss({ a: tf.mul(a, 30), b: tf.mul(b, 0.01) })).toBeCloseTo(loss({ a, b }), 4);
    expect(loss({ a: b, b: a })).toBeCloseTo(loss({ a, b }), 5);
  });

  test.each([
    'logitScale',
    'divisor',
    'factor',
  ] as const)('has the gradient of its differences for a learned %s', (form) => {
    const { tf } = engine();
    const [a, b] = [normalTensor<Tensor2D>(engine(), 'a', [4, 3]), normalTensor<Tensor2D>(engine(), 'b', [4, 3])];
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x, parameter) =>
        infoNce(engine(), { a: x as Tensor2D, b }, { temperature: { [form]: parameter as Scalar } as never }),
      inputs: [a, tf.scalar(0.8)],
    });
  });

  const ofRow = [7, 7, 3, 7];

  test.each([
    'masked',
    'positive',
  ] as const)('has the gradient of its differences with a patient’s other rows %s', (otherRows) => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (a, b) =>
        infoNce(engine(), { a: a as Tensor2D, b: b as Tensor2D }, { temperature: 0.5, patients: { ofRow, otherRows } }),
      inputs: [normalTensor(engine(), 'a', [4, 3]), normalTensor(engine(), 'b', [4, 3])],
    });
  });

  test('leaves a patient’s other rows out once they are masked', () => {
    const [a, b] = [normalTensor<Tensor2D>(engine(), 'a', [4, 3]), normalTensor<Tensor2D>(engine(), 'b', [4, 3])];
    const loss = (patients: number[]) =>
      infoNce(engine(), { a, b }, { temperature: 0.1, patients: { ofRow: patients, otherRows: 'masked' } });
    expect(loss([1, 1, 1, 1]).dataSync()[0]).toBe(0);
    expect(loss([1, 2, 3, 4]).dataSync()).toEqual(infoNce(engine(), { a, b }, { temperature: 0.1 }).dataSync());
  });

  test('is the logarithm of the number of rows when one patient’s rows are all positives and look alike', () => {
    const alike: Tensor2D = engine().tf.ones([3, 2]);
    const patients = { ofRow: [5, 5, 5], otherRows: 'positive' } as const;
    const loss = infoNce(engine(), { a: alike, b: alike }, { temperature: 0.1, patients });
    expect(loss.dataSync()[0]).toBeCloseTo(Math.log(3), 6);
  });

  test('refuses a list of patients that does not fit the rows', () => {
    const views = { a: engine().tf.ones([3, 2]) as Tensor2D, b: engine().tf.ones([3, 2]) as Tensor2D };
    const patients = { ofRow: [1, 2], otherRows: 'masked' } as const;
    expect(() => infoNce(engine(), views, { temperature: 1, patients })).toThrow(/3 rows .* found 2/);
  });

  test('refuses a single patient and views of different patients', () => {
    const { tf } = engine();
    expect(() => infoNce(engine(), { a: tf.ones([1, 2]), b: tf.ones([1, 2]) }, { temperature: 1 })).toThrow(RangeError);
    expect(() => infoNce(engine(), { a: tf.ones([3, 2]), b: tf.ones([2, 2]) }, { temperature: 1 })).toThrow(/3 and 2/);
  });
});
