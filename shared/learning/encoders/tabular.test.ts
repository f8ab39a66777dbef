import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { initialise } from '../../tensors/initialise.ts';
import { createLayout } from '../../tensors/layout.ts';
import { clinicalLocalLayout, clinicalSharedLayout } from '../../tensors/layouts/clinical.ts';
import '../../test/all-close.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { loadParameters } from '../parameters.ts';
import { tabularEncoder } from './tabular.ts';

describeOnEachEngine('tabularEncoder()', (engine) => {
  const layout = createLayout([
    ...clinicalLocalLayout({ inputWidth: 3, hiddenWidth: 5 }).tensors,
    ...clinicalSharedLayout({ hiddenWidth: 5, embeddingWidth: 2 }).tensors,
  ]);

  test('has the gradient of its differences in all its tensors', () => {
    const parameters = loadParameters(engine(), layout, initialise(layout, 'tabular'));
    const names = [...parameters.keys()];
    const rows = normalTensor<Tensor2D>(engine(), 'rows', [4, 3]);
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (...tensors) =>
        tabularEncoder(engine(), rows, {
          parameters: new Map(names.map((name, index) => [name, tensors[index]!])),
          prefix: 'clinical',
        }),
      inputs: [...parameters.values()],
      // ReLU has a corner: a step that crosses it measures no derivative.
      step: 1e-3,
      tolerance: { relative: 1e-2, absolute: 2e-3 },
    });
  });

  test('normalises with the epsilon that is given', () => {
    const trained = loadParameters(engine(), layout, initialise(layout, 'tabular'));
    const bias = normalTensor(engine(), 'bias', [2]);
    const parameters = new Map([...trained, ['clinical.blocks.2.bias', bias] as const]);
    const rows = normalTensor<Tensor2D>(engine(), 'rows', [4, 3]);
    // So large that of a normalisation its bias alone is left, which starts at 0.
    const embedded = tabularEncoder(engine(), rows, { parameters, prefix: 'clinical', epsilon: 1e18 });
    const expected = Array.from({ length: 4 }, () => [...bias.dataSync()]).flat();
    expect(embedded.dataSync()).toBeAllClose(expected, { relative: 1e-5, absolute: 0 });
  });

  test('gives its rows a gradient where that is asked for', () => {
    const parameters = loadParameters(engine(), layout, initialise(layout, 'tabular'));
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (rows) =>
        tabularEncoder(engine(), rows as Tensor2D, { parameters, prefix: 'clinical', inputGradient: true }),
      inputs: [normalTensor(engine(), 'rows', [4, 3])],
      step: 1e-3,
      tolerance: { relative: 1e-2, absolute: 2e-3 },
    });
  });
});
