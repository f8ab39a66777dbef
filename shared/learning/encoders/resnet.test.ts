import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { resnetLayout } from '../../tensors/layouts/resnet.ts';
import '../../test/all-close.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { startingParameters, untrainedParameters } from '../../test/trained-parameters.ts';
import { byBatch, byRunningStatistics } from './channel-normalisation.ts';
import { resnetEmbedding } from './resnet.ts';

const layout = resnetLayout({ stemWidth: 3, planes: [2, 3], blocks: [2, 1], inputChannels: 1, group: 'slice' });

describeOnEachEngine('resnetEmbedding()', (engine) => {
  const images = () => normalTensor<Tensor4D>(engine(), 'images', [2, 27, 22, 1]);

  test('trains every tensor that travels and leaves none behind', () => {
    const parameters = startingParameters(engine(), layout);
    const pixels = images();
    const before = engine().tf.memory().numTensors;
    const normalise = byBatch(engine(), parameters);
    const evaluate = () => resnetEmbedding(engine(), pixels, { parameters, normalise });
    expect(untrainedParameters(engine(), { parameters, evaluate })).toEqual([]);
    expect(engine().tf.memory().numTensors).toBe(before);
  });

  test('evaluates alike by the statistics that a training step with momentum 1 left', () => {
    const { tf } = engine();
    const parameters = new Map(startingParameters(engine(), layout));
    for (const name of [...parameters.keys()].filter((key) => /(bn\d|downsample\.1)\.weight$/.test(key))) {
      const [layer, channels] = [name.replace('.weight', ''), parameters.get(name)!.size];
      parameters.set(`${layer}.running_mean`, tf.zeros([channels]));
      parameters.set(`${layer}.running_var`, tf.ones([channels]));
    }
    const updated = new Map<string, Tensor1D>();
    const normalise = byBatch(engine(), parameters, { momentum: 1, updated });
    const trained = resnetEmbedding(engine(), images(), { parameters, normalise });
    expect([...updated.keys()].every((name) => parameters.has(name))).toBe(true);
    const evaluated = resnetEmbedding(engine(), images(), {
      parameters,
      normalise: byRunningStatistics(engine(), new Map([...parameters, ...updated])),
    });
    expect(evaluated.shape).toEqual([2, 12]);
    // The running variance is the unbiased one, larger by a part in the number of pixels, here 24 at the least.
    expect(evaluated.dataSync()).toBeAllClose(trained.dataSync(), { relative: 0.1, absolute: 0 });
  });

  test('names the statistics that a travelling model does not have', () => {
    const parameters = startingParameters(engine(), layout);
    const normalise = byRunningStatistics(engine(), parameters);
    expect(() => resnetEmbedding(engine(), images(), { parameters, normalise })).toThrow('bn1.running_mean');
  });
});
