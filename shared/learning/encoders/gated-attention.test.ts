import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { initialise } from '../../tensors/initialise.ts';
import { gatedAttentionLayout } from '../../tensors/layouts/gated-attention.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { packBags } from '../../test/packed-bags.ts';
import { flatGradient } from '../optimisers/flat-gradient.ts';
import { loadParameters } from '../parameters.ts';
import { gatedAttention } from './gated-attention.ts';

describeOnEachEngine('gatedAttention()', (engine) => {
  const layout = gatedAttentionLayout({ sliceWidth: 5, width: 6, attentionWidth: 4, embeddingWidth: 3 });
  const load = () => loadParameters(engine(), layout, initialise(layout, 'gated-attention'));

  test('has the gradient of its differences in all its tensors', () => {
    const parameters = load();
    const used = [...parameters].filter(([name]) => !name.startsWith('pooling.proj'));
    const bags = packBags(engine(), normalTensor(engine(), 'bags', [2, 3, 5]), [1, 1, 1, 1, 0, 1]);
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (...tensors) => {
        const given = new Map(used.map(([name], index) => [name, tensors[index]!]));
        return gatedAttention(engine(), bags, { parameters: given, prefix: 'pooling' }).patients;
      },
      inputs: used.map(([, tensor]) => tensor),
      // Two layer normalisations of six values bend sharply: a smaller step than for a single op.
      step: 2e-3,
      tolerance: { relative: 5e-3, absolute: 2e-3 },
    });
  });

  test('normalises with the epsilon that is given', () => {
    const bags = packBags(engine(), normalTensor(engine(), 'bags', [1, 3, 5]), [1, 1, 1]);
    // So large that of a normalisation its bias alone is left, which starts at 0.
    const { patients } = gatedAttention(engine(), bags, { parameters: load(), prefix: 'pooling', epsilon: 1e18 });
    expect(patients.dataSync()).toBeAllClose([0, 0, 0, 0, 0, 0], { relative: 0, absolute: 1e-6 });
  });

  test('gives a patient the same vector alone and among others', () => {
    const parameters = load();
    const bags = normalTensor<Tensor3D>(engine(), 'bags', [3, 4, 5]);
    const mask = [1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 1, 0];
    const together = gatedAttention(engine(), packBags(engine(), bags, mask), { parameters, prefix: 'pooling' });
    const only = mask.map((value, place) => (place >= 4 && place < 8 ? value : 0));
    const alone = gatedAttention(engine(), packBags(engine(), bags, only), { parameters, prefix: 'pooling' });
    const row = (patients: Tensor2D) => patients.dataSync().subarray(6, 12);
    expect(row(alone.patients)).toBeAllClose(row(together.patients), { relative: 1e-5, absolute: 1e-6 });
  });

  test('attends exactly 0 to slices of others and gives a patient without slices zeros', () => {
    const parameters = load();
    const bags = packBags(engine(), normalTensor(engine(), 'bags', [3, 2, 5]), [1, 1, 0, 0, 0, 1]);
    const { patients, attention } = gatedAttention(engine(), bags, { parameters, prefix: 'pooling' });
    const [first, second, third] = attention().arraySync();
    expect(first![0]! + first![1]!).toBeCloseTo(1, 6);
    expect(first![2]).toBe(0);
    expect(second).toEqual([0, 0, 0]);
    expect(third).toEqual([0, 0, 1]);
    expect(patients.arraySync()[1]).toEqual([0, 0, 0, 0, 0, 0]);

    const { gradient } = flatGradient(engine(), parameters, {
      compute: () => engine().tf.sum(gatedAttention(engine(), bags, { parameters, prefix: 'pooling' }).patients),
    });
    expect([...gradient.dataSync()].every(Number.isFinite)).toBe(true);
  });
});
