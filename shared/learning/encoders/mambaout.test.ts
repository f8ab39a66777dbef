import type { Tensor4D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { mambaOutLayout } from '../../tensors/layouts/mambaout.ts';
import '../../test/all-close.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { startingParameters, untrainedParameters } from '../../test/trained-parameters.ts';
import { type MambaOut, mambaOutEmbedding, mambaOutFeatures } from './mambaout.ts';

const layout = mambaOutLayout({ dims: [6, 7, 5], depths: [1, 2, 1], inputChannels: 1, group: 'slice' });

describeOnEachEngine('mambaOutEmbedding()', (engine) => {
  const embedding = (pixels: Tensor4D, mambaOut: MambaOut) =>
    mambaOutEmbedding(engine(), mambaOutFeatures(engine(), pixels, mambaOut), mambaOut);
  const images = () => normalTensor<Tensor4D>(engine(), 'images', [3, 37, 29, 1]);

  test('embeds an image alike in any batch', () => {
    const { tf } = engine();
    const mambaOut = { parameters: startingParameters(engine(), layout) };
    const together = embedding(images(), mambaOut);
    expect(together.shape).toEqual([3, 5]);
    const alone = embedding(tf.slice(images(), [1], [1]), mambaOut).dataSync();
    expect(tf.slice(together, [1, 0], [1, -1]).dataSync()).toBeAllClose(alone, { relative: 1e-5, absolute: 0 });
  });

  test('trains every tensor that travels and leaves none behind', () => {
    const parameters = startingParameters(engine(), layout);
    const pixels = images();
    const before = engine().tf.memory().numTensors;
    const evaluate = () => embedding(pixels, { parameters });
    expect(untrainedParameters(engine(), { parameters, evaluate })).toEqual([]);
    expect(engine().tf.memory().numTensors).toBe(before);
  });
});
