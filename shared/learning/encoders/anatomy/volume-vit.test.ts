import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { initialise } from '../../../tensors/initialise.ts';
import { anatomyLayout } from '../../../tensors/layouts/anatomy.ts';
import '../../../test/all-close.ts';
import { describeOnEachEngine, normalTensor } from '../../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../../test/gradient-check.ts';
import { loadParameters } from '../../parameters.ts';
import { volumePatches } from './volume-patches.ts';
import { volumeVit } from './volume-vit.ts';

const volumes = 2;
const sizes = {
  volumeVoxels: [2, 4, 3],
  patchVoxels: [1, 2, 3],
  width: 4,
  depth: 2,
  mlpWidth: 6,
  organs: 1,
  embeddingWidth: 3,
} as const;
const layout = anatomyLayout({ ...sizes, group: 'anatomy' });

describeOnEachEngine('volumeVit()', (engine) => {
  const load = () =>
    loadParameters(
      engine(),
      layout,
      initialise(layout, 'volumes').map((value) => 10 * value),
    );
  const patches = () =>
    volumePatches(engine(), normalTensor(engine(), 'volumes', [volumes, ...sizes.volumeVoxels]), sizes.patchVoxels);
  const options = { volumes, depth: 2, heads: 2, taps: [0] };

  test('has the gradient of its differences in the patches and all its tensors', () => {
    const used = [...load()].filter(([name]) => name.startsWith('visual_encoder'));
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (cut, ...tensors) => {
        const parameters = new Map(used.map(([name], index) => [name, tensors[index]!]));
        const { levels } = volumeVit(engine(), cut as Tensor2D, { ...options, parameters, inputGradient: true });
        return engine().tf.add(levels[0]!, levels[1]!);
      },
      inputs: [patches(), ...used.map(([, tensor]) => tensor)],
      // Normalising rows of four numbers bends steeply.
      step: 3e-3,
      tolerance: { relative: 1e-2, absolute: 5e-3 },
    });
  });

  test('normalises with the epsilon that is given', () => {
    const parameters = new Map([
      ...load(),
      ['visual_encoder.norm.bias', normalTensor(engine(), 'bias', [sizes.width])] as const,
    ]);
    // So large that of a normalisation its bias alone is left.
    const { last } = volumeVit(engine(), patches(), { ...options, parameters, epsilon: 1e18 });
    const bias = [...parameters.get('visual_encoder.norm.bias')!.dataSync()];
    const expected = Array.from({ length: last.shape[0] }, () => bias).flat();
    expect(last.dataSync()).toBeAllClose(expected, { relative: 1e-5, absolute: 0 });
  });

  test('leaves no tensor but the tokens behind', () => {
    const parameters = load();
    const cut = patches();
    const before = engine().tf.memory().numTensors;
    engine().tf.dispose([...volumeVit(engine(), cut, { ...options, parameters }).levels]);
    expect(engine().tf.memory().numTensors).toBe(before);
  });

  test('refuses volumes of another size than the position table', () => {
    const parameters = load();
    const cut = normalTensor<Tensor2D>(engine(), 'patches', [6, 6]);
    expect(() => volumeVit(engine(), cut, { ...options, parameters })).toThrow(/3 patches: the position table has 4/);
  });
});
