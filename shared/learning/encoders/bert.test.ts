import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { initialise } from '../../tensors/initialise.ts';
import { bertLayout } from '../../tensors/layouts/bert.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import '../../test/all-close.ts';
import { flatGradient } from '../optimisers/flat-gradient.ts';
import { loadParameters } from '../parameters.ts';
import type { EncodedTexts } from '../text/encode-texts.ts';
import { bertClassTokens, bertTokens } from './bert.ts';
import { pooledText, projectedText } from './text-embedding.ts';

const sizes = { vocabulary: 7, maximumTokens: 5, width: 4, depth: 2, heads: 2, mlpWidth: 6 };
const layout = bertLayout({ ...sizes, pooler: true, group: 'text', prefix: 'text' });

/** Texts of the given lengths in as many columns as the longest needs. */
function textsOf(rows: readonly (readonly number[])[], length: number): EncodedTexts {
  const padded = rows.flatMap((row) => [...row, ...new Array<number>(length - row.length).fill(0)]);
  return {
    count: rows.length,
    length,
    ids: Int32Array.from(padded),
    attentionMask: Int32Array.from(padded, (id) => (id === 0 ? 0 : 1)),
    tokenTypeIds: Int32Array.from(padded, (id) => (id === 4 ? 1 : 0)),
  };
}

describeOnEachEngine('bertClassTokens()', (engine) => {
  const load = () => {
    // Larger than the starting weights, so that every part of the encoder matters.
    const values = initialise(layout, 'bert').map((value, index) => value * 20 + 0.1 * Math.sin(index));
    return { parameters: loadParameters(engine(), layout, values), prefix: 'text', ...sizes };
  };
  const texts = textsOf(
    [
      [2, 4, 5, 3],
      [2, 6, 3],
    ],
    4,
  );

  test('is the first row of each text', () => {
    const bert = load();
    const all = bertTokens(engine(), texts, bert);
    expect(all.shape).toEqual([8, 4]);
    const first = engine().tf.gather(all, [0, 4]);
    expect(bertClassTokens(engine(), texts, bert).dataSync()).toBeAllClose(first.dataSync(), {
      relative: 1e-5,
      absolute: 0,
    });
  });

  test('normalises with the epsilon that is given', () => {
    const bert = load();
    // So large that of a normalisation its bias alone is left.
    const cls = bertClassTokens(engine(), texts, { ...bert, epsilon: 1e18 });
    const bias = bert.parameters.get('text.encoder.layer.1.output.LayerNorm.bias')!.dataSync();
    expect(cls.dataSync()).toBeAllClose([...bias, ...bias], { relative: 1e-5, absolute: 0 });
  });

  test('does not depend on padding', () => {
    const bert = load();
    const padded = bertClassTokens(engine(), texts, bert).arraySync()[1]!;
    const alone = bertClassTokens(engine(), textsOf([[2, 6, 3]], 3), bert).arraySync()[0]!;
    expect(padded).toBeAllClose(alone, { relative: 1e-5, absolute: 0 });
  });

  test('leaves no tensor but the result behind', () => {
    const bert = load();
    const before = engine().tf.memory().numTensors;
    bertClassTokens(engine(), texts, bert).dispose();
    expect(engine().tf.memory().numTensors).toBe(before);
  });

  test('has the gradient of its differences in every parameter, and none for padding and what does not occur', () => {
    const bert = load();
    const names = [...bert.parameters.keys()];
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (...tensors) => {
        const parameters = new Map(names.map((name, index) => [name, tensors[index]!]));
        // id 0 is padding: its differences are 0 as well, because attention hides it.
        return pooledText(engine(), bertClassTokens(engine(), texts, { ...bert, parameters }), { ...bert, parameters });
      },
      inputs: [...bert.parameters.values()],
      // Normalising rows of four numbers bends steeply, so a larger step measures another slope.
      step: 1e-3,
      tolerance: { relative: 1e-2, absolute: 2e-3 },
    });
    const { gradient } = flatGradient(engine(), bert.parameters, {
      compute: () => bertTokens(engine(), texts, bert),
      cotangent: normalTensor<Tensor2D>(engine(), 'cotangent', [8, 4]),
    });
    const words = gradient.dataSync().subarray(0, sizes.vocabulary * sizes.width);
    const touched = Array.from({ length: sizes.vocabulary }, (_, id) =>
      words.subarray(id * 4, id * 4 + 4).some((value) => value !== 0),
    );
    expect(touched).toEqual([false, false, true, true, true, true, true]);
  });
});

describeOnEachEngine('projectedText()', (engine) => {
  test('maps class tokens to unit rows with the gradient of its differences', () => {
    const names = ['text_proj.weight', 'text_proj.bias'];
    const project = (tokens: Tensor2D, tensors: readonly Tensor[]) =>
      projectedText(engine(), tokens, { parameters: new Map(names.map((name, index) => [name, tensors[index]!])) });
    const tokens = normalTensor<Tensor2D>(engine(), 'tokens', [3, 4]);
    const tensors = [normalTensor(engine(), 'weight', [2, 4]), normalTensor(engine(), 'bias', [2])];
    for (const row of project(tokens, tensors).arraySync()) expect(Math.hypot(...row)).toBeCloseTo(1, 5);
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x, ...rest) => project(x as Tensor2D, rest),
      inputs: [tokens, ...tensors],
    });
  });
});
