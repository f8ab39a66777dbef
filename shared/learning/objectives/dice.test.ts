import { expect, test } from 'vitest';
import '../../test/all-close.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { diceLoss } from './dice.ts';

describeOnEachEngine('diceLoss()', (engine) => {
  test('is almost 0 for a certain and right prediction, an empty mask included, and almost 1 for a wrong one', () => {
    const { tf } = engine();
    const masks = tf.tensor([1, 1, 0, 0, 0, 0, 0, 0], [2, 1, 2, 2]);
    const loss = (logits: number[], over: 'batch' | 'sample') =>
      diceLoss(engine(), tf.tensor(logits, masks.shape), { masks, over }).dataSync()[0];
    const right = [50, 50, -50, -50, -50, -50, -50, -50];
    for (const over of ['batch', 'sample'] as const) expect(loss(right, over)).toBeCloseTo(0, 6);
    const wrong = right.map((logit) => -logit);
    // Nothing overlaps: 1 - 1 / (6 + 2 + 1) in all; 1 - 1 / 5 in each sample.
    expect(loss(wrong, 'batch')).toBeCloseTo(8 / 9, 6);
    expect(loss(wrong, 'sample')).toBeCloseTo(4 / 5, 6);
  });

  test('is as exact for a million voxels as for a few', () => {
    const { tf } = engine();
    const shape = [8, 1, 512, 300];
    const loss = diceLoss(engine(), tf.zeros(shape), { masks: tf.fill(shape, 0.3), over: 'batch' }).dataSync();
    const voxels = 8 * 512 * 300;
    expect(loss).toBeAllClose([1 - (0.3 * voxels + 1) / (0.8 * voxels + 1)], { relative: 1e-5, absolute: 0 });
  });

  test.each(['batch', 'sample'] as const)('has the gradient of its differences over a %s', (over) => {
    const masks = engine().tf.tensor([1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1], [2, 1, 2, 3]);
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (logits) => diceLoss(engine(), logits, { masks, over, smoothing: 0.5 }),
      inputs: [normalTensor(engine(), 'logits', [2, 1, 2, 3])],
    });
  });

  test('refuses masks of another shape', () => {
    const { tf } = engine();
    expect(() => diceLoss(engine(), tf.zeros([2, 4]), { masks: tf.zeros([2, 2]), over: 'batch' })).toThrow(TypeError);
  });
});
