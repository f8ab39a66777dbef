import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { attention } from './attention.ts';

/** One query at a time, straight from the formula softmax(q k^T / sqrt(d)) v. */
function attentionByDefinition(
  qkv: ArrayLike<number>,
  { sequences, tokens, heads, headWidth }: { sequences: number; tokens: number; heads: number; headWidth: number },
): number[] {
  const at = (part: number, { sequence, token, head }: { sequence: number; token: number; head: number }) =>
    Array.from(
      { length: headWidth },
      (_, i) => qkv[(sequence * tokens + token) * 3 * heads * headWidth + (part * heads + head) * headWidth + i]!,
    );
  const output: number[] = [];
  for (let sequence = 0; sequence < sequences; sequence += 1) {
    for (let token = 0; token < tokens; token += 1) {
      for (let head = 0; head < heads; head += 1) {
        const query = at(0, { sequence, token, head });
        const weights = Array.from({ length: tokens }, (_, other) => {
          const key = at(1, { sequence, token: other, head });
          return Math.exp(query.reduce((sum, q, i) => sum + q * key[i]!, 0) / Math.sqrt(headWidth));
        });
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (let i = 0; i < headWidth; i += 1) {
          output.push(
            weights.reduce(
              (sum, weight, other) => sum + (weight / total) * at(2, { sequence, token: other, head })[i]!,
              0,
            ),
          );
        }
      }
    }
  }
  return output;
}

describeOnEachEngine('attention()', (engine) => {
  const sizes = { sequences: 2, tokens: 3, heads: 2, headWidth: 4 };
  const qkv = () => normalTensor<Tensor2D>(engine(), 'qkv', [6, 24]);

  test('gives what the definition gives', () => {
    const y = attention(engine(), qkv(), sizes);
    expect(y.shape).toEqual([6, 8]);
    expect(y.dataSync()).toBeAllClose(attentionByDefinition(qkv().dataSync(), sizes), { relative: 1e-5, absolute: 0 });
  });

  test.each([true, false])('has the gradient of its differences (host loops: %s)', (hostLoops) => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) => attention(withHabits(engine(), { hostLoops }), x as Tensor2D, sizes),
      inputs: [qkv()],
    });
  });

  test('has the gradient of its differences where tokens are padding', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) =>
        attention(engine(), x as Tensor2D, { ...sizes, validTokens: engine().tf.tensor2d([1, 1, 0, 1, 0, 1], [2, 3]) }),
      inputs: [qkv()],
    });
  });

  test('gives valid tokens what they get without the padding', () => {
    const { tf } = engine();
    const validTokens = tf.tensor2d([1, 1, 0, 1, 1, 0], [2, 3]);
    const padded = attention(engine(), qkv(), { ...sizes, validTokens });
    const alone = attention(engine(), tf.gather(qkv(), [0, 1, 3, 4]), sizes);
    const kept = tf.gather(padded, [0, 1, 3, 4]);
    expect(kept.dataSync()).toBeAllClose(alone.dataSync(), { relative: 1e-5, absolute: 0 });
  });

  test('refuses rows that are not whole sequences', () => {
    expect(() => attention(engine(), qkv(), { sequences: 4, heads: 2 })).toThrow(TypeError);
  });
});
