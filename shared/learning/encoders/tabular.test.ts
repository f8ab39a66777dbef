import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { initialise } from '../../tensors/initialise.ts';
import { createLayout } from '../../tensors/layout.ts';
import { clinicalLocalLayout, clinicalSharedLayout } from '../../tensors/layouts/clinical.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { goldenTest } from '../../test/golden.ts';
import { expectGoldenGradients, goldenParameters } from '../../test/golden-parameters.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { infoNce } from '../objectives/info-nce.ts';
import { flatGradient } from '../optimisers/flat-gradient.ts';
import { loadParameters } from '../parameters.ts';
import { gatedAttention } from './gated-attention.ts';
import { tabularEncoder } from './tabular.ts';

describeOnEachEngine('tabularEncoder()', (engine) => {
  test('has the gradient of its differences in all its tensors', () => {
    const layout = createLayout([
      ...clinicalLocalLayout({ inputWidth: 3, hiddenWidth: 5 }).tensors,
      ...clinicalSharedLayout({ hiddenWidth: 5, embeddingWidth: 2 }).tensors,
    ]);
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

  goldenTest('enc_clinical_mlp', 'agrees with PyTorch', (golden) => {
    const parameters = goldenParameters(engine(), golden);
    const { value, gradient } = flatGradient(engine(), parameters, {
      compute: () =>
        tabularEncoder(engine(), golden.load<Tensor2D>(engine(), 'input.clinical'), {
          parameters,
          prefix: 'rna_embedder',
        }),
      cotangent: golden.load<Tensor2D>(engine(), 'cotangent'),
    });
    expect(value.dataSync()).toBeAllClose(golden.values('output.embedding'), golden.outputTolerance);
    expectGoldenGradients(golden, { parameters, gradient: gradient.dataSync<'float32'>() });
  });

  goldenTest('enc_medform_full', 'with the gated attention and InfoNCE agrees with MEDFORM in PyTorch', (golden) => {
    const { tf } = engine();
    const parameters = goldenParameters(engine(), golden);
    const bags = golden.load(engine(), 'input.bag');
    const [patients, slicesPerPatient, width] = bags.shape as [number, number, number];
    const slices = tf.reshape(bags, [patients * slicesPerPatient, width]) as Tensor2D;
    const owners = Array.from({ length: patients * slicesPerPatient }, (_, i) => Math.floor(i / slicesPerPatient));
    const membership = tf.cast(tf.transpose(tf.oneHot(owners, patients)), 'float32') as Tensor2D;
    const clinical = golden.load<Tensor2D>(engine(), 'input.clinical');
    const encode = () => ({
      a: gatedAttention(engine(), { slices, membership }, { parameters, prefix: 'wsi_embedder' }).patients,
      b: tabularEncoder(engine(), clinical, { parameters, prefix: 'rna_embedder' }),
    });
    const temperature = golden.config['temperature'] as number;

    const { a, b } = encode();
    expect(a.dataSync()).toBeAllClose(golden.values('output.image_embedding'), golden.outputTolerance);
    expect(b.dataSync()).toBeAllClose(golden.values('output.clinical_embedding'), golden.outputTolerance);
    const { value, gradient } = flatGradient(engine(), parameters, {
      compute: () => infoNce(engine(), encode(), { temperature }),
    });
    expect(value.dataSync()).toBeAllClose(golden.values('output.loss'), golden.outputTolerance);
    expectGoldenGradients(golden, { parameters, gradient: gradient.dataSync<'float32'>() });
  });
});
