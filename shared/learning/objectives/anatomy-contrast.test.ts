import type { Scalar, Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { anatomyContrast, type Calibration } from './anatomy-contrast.ts';
import type { AnatomyLabels } from './anatomy-pairs.ts';
import { infoNce } from './info-nce.ts';

const [samples, anatomies, width] = [4, 2, 3];

function labels(of: Partial<AnatomyLabels> = {}): AnatomyLabels {
  const all = samples * anatomies;
  return {
    samples,
    anatomies,
    present: Array.from({ length: all }, () => true),
    normal: Array.from({ length: all }, () => false),
    textIds: Array.from({ length: all }, (_, index) => index),
    ...of,
  };
}

/** Samples 0 and 1 are normal in anatomy 0; sample 3 lacks it; anatomy 1 is normal in all. */
const mixed = labels({
  present: [1, 1, 1, 1, 1, 1, 0, 1].map(Boolean),
  normal: [1, 1, 1, 1, 0, 1, 0, 1].map(Boolean),
});

describeOnEachEngine('anatomyContrast()', (engine) => {
  const embeddings = (seed = '') => ({
    images: normalTensor<Tensor3D>(engine(), `images${seed}`, [samples, anatomies, width]),
    texts: normalTensor<Tensor3D>(engine(), `texts${seed}`, [samples, anatomies, width]),
  });
  const contrast = (of: AnatomyLabels, calibration?: Calibration, sides = embeddings()) =>
    anatomyContrast(engine(), sides, { temperature: 0.2, labels: of, calibration });

  test('is the sum of InfoNCE over anatomies when all are there, abnormal and differently described', () => {
    const { tf } = engine();
    const { images, texts } = embeddings();
    const expected = [0, 1].map((anatomy) => {
      const [a, b] = [images, texts].map((side) => tf.squeeze(tf.slice(side, [0, anatomy, 0], [-1, 1, -1]), [1]));
      return infoNce(engine(), { a: a as never, b: b as never }, { temperature: 0.2 }).dataSync()[0]!;
    });
    const { loss, lossOfAnatomy } = contrast(labels());
    expect(lossOfAnatomy.dataSync()).toBeAllClose(expected, { relative: 1e-5, absolute: 0 });
    expect(loss.dataSync()[0]).toBeCloseTo(expected[0]! + expected[1]!, 4);
  });

  test('takes normal pairs and equal texts as matches, and skips an anatomy that is normal in all', () => {
    const { active, targets, lossOfAnatomy } = contrast(mixed);
    expect(active).toEqual([true, false]);
    expect(targets.arraySync()[0]).toEqual([
      [0.5, 0.5, 0, 0],
      [0.5, 0.5, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 0],
    ]);
    expect(lossOfAnatomy.dataSync()[1]).toBe(0);
    const sameText = contrast(labels({ textIds: [0, 1, 2, 3, 0, 5, 6, 7] })).targets.arraySync();
    expect(sameText[0]![0]).toEqual([0.5, 0, 0.5, 0]);
    expect(sameText[1]![0]).toEqual([1, 0, 0, 0]);
  });

  test('is zero, with a gradient of zero, when no anatomy teaches anything', () => {
    const { tf } = engine();
    const normal = labels({ normal: mixed.normal.map(() => true) });
    const { texts, images } = embeddings();
    const { value, grad } = tf.valueAndGrad((x) => contrast(normal, undefined, { images: x as Tensor3D, texts }).loss)(
      images,
    );
    expect(value.dataSync()[0]).toBe(0);
    expect(grad.dataSync()).toEqual(new Float32Array(images.size));
    const single = labels({ present: [1, 1, 0, 0, 0, 0, 0, 0].map(Boolean) });
    expect(contrast(single).active).toEqual([false, false]);
  });

  test('does not see what stands in the place of an absent anatomy', () => {
    const { tf } = engine();
    const sides = embeddings();
    const elsewhere = tf.tensor3d(
      Float32Array.from({ length: samples * anatomies * width }, (_, index) =>
        Math.floor(index / width) === 3 * anatomies ? 40 : 0,
      ),
      [samples, anatomies, width],
    );
    const moved = {
      images: tf.add(sides.images, elsewhere) as Tensor3D,
      texts: tf.sub(sides.texts, elsewhere) as Tensor3D,
    };
    expect(contrast(mixed, undefined, moved).loss.dataSync()).toEqual(
      contrast(mixed, undefined, sides).loss.dataSync(),
    );
  });

  test('does not depend on the order of the samples', () => {
    const { tf } = engine();
    const order = [2, 0, 3, 1];
    const reorder = <T>(list: ArrayLike<T>) =>
      order.flatMap((sample) => [list[sample * anatomies]!, list[sample * anatomies + 1]!]);
    const sides = embeddings();
    const moved = { images: tf.gather(sides.images, order), texts: tf.gather(sides.texts, order) };
    const movedLabels = labels({
      present: reorder(mixed.present),
      normal: reorder(mixed.normal),
      textIds: reorder(mixed.textIds),
    });
    const [loss] = contrast(mixed).loss.dataSync();
    expect(contrast(movedLabels, undefined, moved).loss.dataSync()[0]).toBeCloseTo(loss!, 5);
  });

  test('mixes in what a peer sees, and what a momentum encoder reads, with rows that still sum to 1', () => {
    const { tf } = engine();
    const peer: Calibration = { peer: embeddings(' of a peer'), temperature: 0.2, share: 0.5 };
    const momentum: Calibration = { momentumTexts: embeddings(' then').texts, temperature: 0.5 };
    for (const calibration of [peer, momentum]) {
      const { targets } = contrast(mixed, calibration);
      expect(tf.sum(targets, 2).dataSync()).toBeAllClose([1, 1, 1, 0, 0, 0, 0, 0], { relative: 1e-6, absolute: 0 });
      const abnormal = contrast(labels(), calibration).targets.arraySync()[0]!;
      expect(abnormal[0]![1]).toBeGreaterThan(0);
      expect(abnormal[0]![0]).toBeGreaterThan(0.5);
    }
  });

  test.each(['no', 'peer', 'momentum'] as const)('has the gradient of its differences with %s calibration', (kind) => {
    const calibration = {
      no: undefined,
      peer: { peer: embeddings(' of a peer'), temperature: 0.2, share: 0.5 },
      momentum: { momentumTexts: embeddings(' then').texts, temperature: 0.5 },
    }[kind];
    const { images, texts } = embeddings();
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (a, b, divisor) =>
        anatomyContrast(
          engine(),
          { images: a as Tensor3D, texts: b as Tensor3D },
          { temperature: { divisor: divisor as Scalar }, labels: mixed, calibration },
        ).loss,
      inputs: [images, texts, engine().tf.scalar(0.5)],
    });
  });

  test('refuses labels and embeddings that do not fit', () => {
    expect(() => contrast(labels({ textIds: [1] }))).toThrow(/need 8 labels, found 1/);
    const { images } = embeddings();
    const texts = engine().tf.ones([samples, 3, width]) as Tensor3D;
    expect(() => contrast(labels(), undefined, { images, texts })).toThrow(/found \[4, 3, 3\]/);
  });
});
