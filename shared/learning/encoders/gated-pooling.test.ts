import type { Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { initialise } from '../../tensors/initialise.ts';
import { gatedPoolingLayout } from '../../tensors/layouts/gated-pooling.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { packBags } from '../../test/packed-bags.ts';
import { loadParameters } from '../parameters.ts';
import { gatedPooling } from './gated-pooling.ts';

describeOnEachEngine('gatedPooling()', (engine) => {
  const layout = gatedPoolingLayout({ sliceWidth: 5, attentionWidth: 3, group: 'image' });
  const load = () => loadParameters(engine(), layout, initialise(layout, 'gated-pooling'));
  const mask = [1, 1, 0, 1, 0, 0];

  test('has the gradient of its differences in the slices and all its tensors', () => {
    const names = [...load().keys()];
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (bags, ...tensors) => {
        const parameters = new Map(names.map((name, index) => [name, tensors[index]!]));
        return gatedPooling(engine(), packBags(engine(), bags as Tensor3D, mask), { parameters }).patients;
      },
      inputs: [normalTensor(engine(), 'bags', [2, 3, 5]), ...load().values()],
    });
  });

  test('gives a patient of one slice that slice', () => {
    const bags = normalTensor(engine(), 'bags', [2, 3, 5]);
    const { patients, attention } = gatedPooling(engine(), packBags(engine(), bags as Tensor3D, mask), {
      parameters: load(),
    });
    const only = engine().tf.slice(bags, [1, 0, 0], [1, 1, 5]);
    expect(patients.dataSync().subarray(5)).toBeAllClose(only.dataSync(), { relative: 1e-6, absolute: 0 });
    expect(attention().arraySync()[1]).toEqual([0, 0, 1]);
  });
});
