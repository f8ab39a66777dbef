import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { initialise } from '../../../tensors/initialise.ts';
import { createLayout } from '../../../tensors/layout.ts';
import { anatomyLayout } from '../../../tensors/layouts/anatomy.ts';
import { describeOnEachEngine, normalTensor } from '../../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../../test/gradient-check.ts';
import { flatGradient } from '../../optimisers/flat-gradient.ts';
import { loadParameters } from '../../parameters.ts';
import { organEmbeddings } from './organ-embeddings.ts';

const sizes = {
  volumeVoxels: [2, 4, 3],
  patchVoxels: [1, 2, 3],
  width: 4,
  depth: 2,
  mlpWidth: 6,
  organs: 2,
  embeddingWidth: 3,
} as const;
const layout = anatomyLayout({ ...sizes, group: 'anatomy' });
const ofOrgans = createLayout(layout.tensors.filter(({ name }) => !name.startsWith('visual_encoder')));
const [volumes, tokens] = [2, 4];

describeOnEachEngine('organEmbeddings()', (engine) => {
  const values = (of: typeof layout) => initialise(of, 'organs').map((value, index) => value + 0.3 * Math.sin(index));
  /** The second organ is absent from the first volume. */
  const flags = (): Tensor3D =>
    engine().tf.tensor3d([1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 1], [volumes, sizes.organs, tokens]);
  const levels = () =>
    ['shallow', 'deep'].map((seed) => normalTensor<Tensor2D>(engine(), seed, [volumes * tokens, sizes.width]));

  test('gives unit rows, and zeros to an absent organ', () => {
    const parameters = loadParameters(engine(), ofOrgans, values(ofOrgans));
    const y = organEmbeddings(engine(), levels(), { parameters, heads: 2, flags: flags() }).arraySync();
    expect(y.flat().map((row) => Math.hypot(...row))).toEqual([1, 0, 1, 1].map((norm) => expect.closeTo(norm, 5)));
  });

  test('looks at the organ’s own tokens alone', () => {
    const parameters = loadParameters(engine(), ofOrgans, values(ofOrgans));
    const embed = (of: Tensor2D[]) => organEmbeddings(engine(), of, { parameters, heads: 2, flags: flags() });
    const [shallow, deep] = levels();
    const others = engine().tf.tensor2d([0, 9, 0, 9, 9, 0, 9, 9], [8, 1]);
    const [first, second] = embed([shallow!, engine().tf.add(deep!, others)]).arraySync();
    const [firstBefore, secondBefore] = embed([shallow!, deep!]).arraySync();
    expect(first![0]).toEqual(firstBefore![0]!.map((value) => expect.closeTo(value, 5)));
    expect(second![0]).toEqual(secondBefore![0]!.map((value) => expect.closeTo(value, 5)));
    expect(second![1]).not.toEqual(secondBefore![1]!.map((value) => expect.closeTo(value, 2)));
  });

  test('has the gradient of its differences in the tokens and all its tensors', () => {
    const parameters = loadParameters(engine(), ofOrgans, values(ofOrgans));
    const names = [...parameters.keys()];
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (shallow, deep, ...tensors) =>
        organEmbeddings(engine(), [shallow as Tensor2D, deep as Tensor2D], {
          parameters: new Map(names.map((name, index) => [name, tensors[index]!])),
          heads: 2,
          flags: flags(),
        }),
      inputs: [...levels(), ...parameters.values()],
      step: 3e-3,
      tolerance: { relative: 5e-3, absolute: 2e-3 },
    });
  });

  test('passes no gradient where an organ is in no volume, and no number that is none', () => {
    const parameters = loadParameters(engine(), ofOrgans, initialise(ofOrgans, 'organs'));
    const absent: Tensor3D = engine().tf.zeros([volumes, sizes.organs, tokens]);
    const { gradient } = flatGradient(engine(), parameters, {
      compute: () => organEmbeddings(engine(), levels(), { parameters, heads: 2, flags: absent }),
      cotangent: normalTensor<Tensor3D>(engine(), 'cotangent', [volumes, sizes.organs, sizes.embeddingWidth]),
    });
    expect(gradient.dataSync().every((value) => value === 0)).toBe(true);
  });

  test('refuses flags of other organs than the model’s', () => {
    const parameters = loadParameters(engine(), ofOrgans, values(ofOrgans));
    const three: Tensor3D = engine().tf.ones([volumes, 3, tokens]);
    expect(() => organEmbeddings(engine(), levels(), { parameters, heads: 2, flags: three })).toThrow(
      'the flags have 3, the model has queries for 2',
    );
  });
});
