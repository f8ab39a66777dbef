import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { mocoHeadsLayout } from '../../tensors/layouts/moco-heads.ts';
import '../../test/all-close.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { startingParameters, untrainedParameters } from '../../test/trained-parameters.ts';
import type { ParameterTensors } from '../parameters.ts';
import { byBatch } from './channel-normalisation.ts';
import { MOCO_PREDICTOR, MOCO_PROJECTOR, mocoHead } from './moco-heads.ts';

const layout = mocoHeadsLayout({ encoderWidth: 7, hiddenWidth: 9, embeddingWidth: 5, group: 'slice' });

describeOnEachEngine('mocoHead()', (engine) => {
  const embeddings = () => normalTensor<Tensor2D>(engine(), 'embeddings', [6, 7]);
  const head = (x: Tensor2D, prefix: string, parameters: ParameterTensors) =>
    mocoHead(engine(), x, { parameters, prefix, normalise: byBatch(engine(), parameters) });

  test('standardises what comes out over the batch, without any running statistics', () => {
    const { tf } = engine();
    const parameters = startingParameters(engine(), layout);
    const projection = head(embeddings(), MOCO_PROJECTOR, parameters);
    expect(projection.shape).toEqual([6, 5]);
    const { mean, variance } = tf.moments(projection, 0);
    expect(mean.dataSync()).toBeAllClose(new Float32Array(5), { relative: 0, absolute: 1e-5 });
    expect(variance.dataSync()).toBeAllClose(new Float32Array(5).fill(1), { relative: 1e-2, absolute: 0 });
  });

  test('trains every tensor that travels and leaves none behind', () => {
    const { tf } = engine();
    const parameters = startingParameters(engine(), layout);
    const [x, cotangent] = [embeddings(), normalTensor<Tensor2D>(engine(), 'cotangent', [6, 5])];
    const before = tf.memory().numTensors;
    const evaluate = () => {
      const prediction = head(head(x, MOCO_PROJECTOR, parameters), MOCO_PREDICTOR, parameters);
      return tf.mul(prediction, cotangent);
    };
    expect(untrainedParameters(engine(), { parameters, evaluate })).toEqual([]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('refuses a head that is not among the parameters', () => {
    expect(() => head(embeddings(), 'head', startingParameters(engine(), layout))).toThrow('"head.0.weight"');
  });
});
