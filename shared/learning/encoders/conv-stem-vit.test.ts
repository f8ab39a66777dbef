import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { convStemVitLayout } from '../../tensors/layouts/conv-stem-vit.ts';
import { convStemPositions } from '../../tensors/positions/conv-stem-positions.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { startingParameters, untrainedParameters } from '../../test/trained-parameters.ts';
import { byBatch, byPixel, type ChannelNormalisation } from './channel-normalisation.ts';
import { convStemVitEmbedding } from './conv-stem-vit.ts';

const layout = convStemVitLayout({ width: 16, depth: 2, mlpWidth: 24, inputChannels: 1, group: 'slice' });
const imageShape = [33, 23, 1] as const;

describeOnEachEngine('convStemVitEmbedding()', (engine) => {
  const images = (count: number) => normalTensor<Tensor4D>(engine(), 'images', [count, ...imageShape]);
  const positionsFor = (imageHeightPixels: number, imageWidthPixels: number): Tensor2D => {
    const { table, shape } = convStemPositions({ width: 16, imageHeightPixels, imageWidthPixels });
    return engine().tf.tensor2d(table, [...shape]);
  };
  const embedding = (
    pixels: Tensor4D,
    options: {
      parameters: ReturnType<typeof startingParameters>;
      positions: Tensor2D;
      normalise: ChannelNormalisation;
    },
  ) => convStemVitEmbedding(engine(), pixels, { depth: 2, heads: 4, ...options });

  test('embeds an image normalised by pixel alike in any batch, which batch statistics do not', () => {
    const { tf } = engine();
    const parameters = startingParameters(engine(), layout);
    const positions = positionsFor(33, 23);
    const difference = (normalise: ChannelNormalisation) => {
      const together = embedding(images(3), { parameters, positions, normalise });
      const alone = embedding(tf.slice(images(3), [1], [1]), { parameters, positions, normalise });
      return tf.max(tf.abs(tf.sub(tf.slice(together, [1, 0], [1, -1]), alone))).dataSync()[0]!;
    };
    expect(difference(byPixel(engine(), parameters))).toBeLessThan(1e-5);
    expect(difference(byBatch(engine(), parameters))).toBeGreaterThan(0.01);
  });

  test('trains every tensor that travels and leaves none behind', () => {
    const parameters = startingParameters(engine(), layout);
    const [positions, pixels, cotangent] = [
      positionsFor(33, 23),
      images(2),
      normalTensor<Tensor2D>(engine(), 'cotangent', [2, 16]),
    ];
    const before = engine().tf.memory().numTensors;
    const evaluate = () =>
      engine().tf.mul(
        embedding(pixels, { parameters, positions, normalise: byPixel(engine(), parameters) }),
        cotangent,
      );
    expect(untrainedParameters(engine(), { parameters, evaluate })).toEqual([]);
    expect(engine().tf.memory().numTensors).toBe(before);
  });

  test('refuses positions of another image size', () => {
    const parameters = startingParameters(engine(), layout);
    const normalise = byPixel(engine(), parameters);
    expect(() => embedding(images(1), { parameters, positions: positionsFor(48, 48), normalise })).toThrow(
      'the stem makes 6 tokens of each, but there are positions for 9',
    );
  });
});
