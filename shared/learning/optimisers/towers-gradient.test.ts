import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { infoNce } from '../objectives/info-nce.ts';
import { linear } from '../ops/linear.ts';
import { selectRows } from '../ops/select-rows.ts';
import { type RowRange, towersGradient } from './towers-gradient.ts';

describeOnEachEngine('towersGradient()', (engine) => {
  test.each([
    [[3, 5], 'one tower'],
    [[7, 2], 'the other tower'],
    [[2, 1], 'both towers'],
  ])('with %j rows at once gives what the whole batch gives (%s in parts)', (rowsAtOnce) => {
    const { tf } = engine();
    const inputs = [normalTensor<Tensor2D>(engine(), 'a', [7, 4]), normalTensor<Tensor2D>(engine(), 'b', [5, 6])];
    const parameters = new Map([
      ['first.weight', normalTensor(engine(), 'first', [3, 4])],
      ['first.bias', normalTensor(engine(), 'first bias', [3])],
      ['second.weight', normalTensor(engine(), 'second', [3, 6])],
      ['second.bias', normalTensor(engine(), 'second bias', [3])],
      ['scale', tf.scalar(0.5)],
    ]);
    const encode = (input: Tensor2D, name: string, { first, count }: RowRange) =>
      linear(engine(), tf.slice(input, [first, 0], [count, -1]), {
        weight: parameters.get(`${name}.weight`) as Tensor2D,
        bias: parameters.get(`${name}.bias`) as Tensor1D,
      });
    const gradientWith = ([first, second]: number[]) =>
      towersGradient(engine(), parameters, {
        towers: [
          {
            rows: 7,
            rowsAtOnce: first!,
            encode: (range) => {
              const rows = encode(inputs[0]!, 'first', range);
              return { rows, ownLoss: () => tf.mul(tf.sum(tf.mul(rows, rows)), 0.01) as Scalar };
            },
          },
          { rows: 5, rowsAtOnce: second!, encode: (range) => ({ rows: encode(inputs[1]!, 'second', range) }) },
        ],
        loss: ([a, b]) => {
          const partners = selectRows(engine(), b!, { indices: [0, 1, 2, 3, 4, 0, 1] });
          const temperature = { logitScale: parameters.get('scale') as Scalar };
          return infoNce(engine(), { a: a!, b: partners }, { temperature });
        },
      });
    const whole = gradientWith([7, 5]);
    const before = tf.memory().numTensors;
    const parts = gradientWith(rowsAtOnce as number[]);
    expect(tf.memory().numTensors).toBe(before + 2);
    expect(parts.value.dataSync()).toBeAllClose(whole.value.dataSync(), { relative: 1e-6, absolute: 0 });
    expect(parts.gradient.dataSync()).toBeAllClose(whole.gradient.dataSync(), { relative: 1e-5, absolute: 1e-7 });
    expect(Math.abs(whole.gradient.dataSync().at(-1)!)).toBeGreaterThan(1e-3);
  });
});
