import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { initialise } from '../../tensors/initialise.ts';
import { plainAttentionLayout } from '../../tensors/layouts/plain-attention.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { packBags } from '../../test/packed-bags.ts';
import { loadParameters, type ParameterTensors } from '../parameters.ts';
import { plainAttention, plainAttentionHead } from './plain-attention.ts';

describeOnEachEngine('plainAttention()', (engine) => {
  const layout = plainAttentionLayout({ sliceWidth: 5, width: 4, outputs: 2, group: 'image' });
  const load = () => loadParameters(engine(), layout, initialise(layout, 'plain-attention'));
  const mask = [1, 0, 1, 0, 0, 0, 1, 1, 1];
  const bags = () => normalTensor<Tensor3D>(engine(), 'bags', [3, 3, 5]);
  const logits = (input: Tensor3D, parameters: ParameterTensors): Tensor2D => {
    const { patients } = plainAttention(engine(), packBags(engine(), input, mask), { parameters, inputGradient: true });
    return plainAttentionHead(engine(), patients, { parameters });
  };

  test('has, with its head, the gradient of its differences in the slices and all its tensors', () => {
    const names = [...load().keys()];
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (input, ...tensors) =>
        logits(input as Tensor3D, new Map(names.map((name, index) => [name, tensors[index]!]))),
      inputs: [bags(), ...load().values()],
      // ReLU has a corner and a normalisation of four values bends sharply.
      step: 1e-3,
      tolerance: { relative: 1e-2, absolute: 2e-3 },
    });
  });

  test('normalises with the epsilon that is given', () => {
    const patients = normalTensor<Tensor2D>(engine(), 'patients', [2, 4]);
    // So large that of the normalisation its bias alone is left: all patients look alike.
    const [first, second] = plainAttentionHead(engine(), patients, { parameters: load(), epsilon: 1e18 }).arraySync();
    expect(first).toBeAllClose(second!, { relative: 1e-5, absolute: 0 });
  });

  test('never attends to padding and gives a patient without slices zeros', () => {
    const { patients, attention } = plainAttention(engine(), packBags(engine(), bags(), mask), { parameters: load() });
    const [first, second, third] = attention().arraySync();
    expect(first![0]! + first![1]!).toBeCloseTo(1, 6);
    expect(first!.slice(2)).toEqual([0, 0, 0]);
    expect(second).toEqual([0, 0, 0, 0, 0]);
    expect(third!.slice(0, 2)).toEqual([0, 0]);
    expect(patients.arraySync()[1]).toEqual([0, 0, 0, 0]);
  });
});
