import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { queryAttention } from './query-attention.ts';

const sizes = { samples: 2, queries: 3, tokens: 4, heads: 2, headWidth: 2 };
const width = sizes.heads * sizes.headWidth;
/** The second query of the first sample has no token. */
const flagged = [
  [
    [1, 0, 1, 1],
    [0, 0, 0, 0],
    [0, 0, 1, 0],
  ],
  [
    [1, 1, 1, 1],
    [0, 1, 0, 1],
    [1, 0, 0, 0],
  ],
];

/** One sample, query and head at a time, straight from softmax(q k^T / sqrt(d)) v over the flagged tokens. */
function byDefinition(queries: number[][], keysAndValues: number[][]): number[] {
  const output: number[] = [];
  for (let sample = 0; sample < sizes.samples; sample += 1) {
    const tokens = keysAndValues.slice(sample * sizes.tokens, (sample + 1) * sizes.tokens);
    queries.forEach((row, query) => {
      for (let head = 0; head < sizes.heads; head += 1) {
        const [from, to] = [head * sizes.headWidth, (head + 1) * sizes.headWidth];
        const weights = tokens.map((token, index) => {
          const score = row.slice(from, to).reduce((sum, q, i) => sum + q * token[from + i]!, 0);
          return flagged[sample]![query]![index]! * Math.exp(score / Math.sqrt(sizes.headWidth));
        });
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (let i = from; i < to; i += 1) {
          const mean = tokens.reduce((sum, token, index) => sum + weights[index]! * token[width + i]!, 0);
          output.push(total === 0 ? 0 : mean / total);
        }
      }
    });
  }
  return output;
}

describeOnEachEngine('queryAttention()', (engine) => {
  const queries = () => normalTensor<Tensor2D>(engine(), 'queries', [sizes.queries, width]);
  const tokens = () => normalTensor<Tensor2D>(engine(), 'tokens', [sizes.samples * sizes.tokens, 2 * width]);
  const flags = () => engine().tf.tensor3d(flagged);

  test('gives what the definition gives, and zeros to a query without tokens', () => {
    const y = queryAttention(
      engine(),
      { queries: queries(), keysAndValues: tokens() },
      { flags: flags(), heads: sizes.heads },
    );
    expect(y.shape).toEqual([sizes.samples * sizes.queries, width]);
    const expected = byDefinition(queries().arraySync(), tokens().arraySync());
    expect(y.dataSync()).toBeAllClose(expected, { relative: 1e-5, absolute: 0 });
    expect(y.arraySync()[1]).toEqual([0, 0, 0, 0]);
  });

  test('has the gradient of its differences', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (asked, keysAndValues) =>
        queryAttention(
          engine(),
          { queries: asked as Tensor2D, keysAndValues: keysAndValues as Tensor2D },
          { flags: flags(), heads: sizes.heads },
        ),
      inputs: [queries(), tokens()],
    });
  });

  test('refuses flags of other sizes than the tokens', () => {
    const ofOthers: Tensor3D = engine().tf.ones([2, 3, 5]);
    const inputs = { queries: queries(), keysAndValues: tokens() };
    expect(() => queryAttention(engine(), inputs, { flags: ofOthers, heads: 2 })).toThrow(TypeError);
  });
});
