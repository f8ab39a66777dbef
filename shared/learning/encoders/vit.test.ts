import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { flatGradient } from '../optimisers/flat-gradient.ts';
import { disposeParameters, type ParameterTensors } from '../parameters.ts';
import { vitEmbedding } from './vit.ts';

/** A transformer of 16 numbers a token with random parameters throughout, also where models start at 0 or 1. */
const tiny = { width: 8, depth: 2, heads: 2, patchSizePixels: 2, images: 3, patchesPerImage: 4 };

function tinyShapes(): [string, number[]][] {
  const { width, depth, patchSizePixels, patchesPerImage } = tiny;
  const shapes: [string, number[]][] = [
    ['cls_token', [1, 1, width]],
    ['pos_embed', [1, 1 + patchesPerImage, width]],
    ['patch_embed.proj.weight', [width, 1, patchSizePixels, patchSizePixels]],
    ['patch_embed.proj.bias', [width]],
  ];
  for (let index = 0; index < depth; index += 1) {
    for (const [name, shape] of [
      ['norm1.weight', [width]],
      ['norm1.bias', [width]],
      ['attn.qkv.weight', [3 * width, width]],
      ['attn.qkv.bias', [3 * width]],
      ['attn.proj.weight', [width, width]],
      ['attn.proj.bias', [width]],
      ['norm2.weight', [width]],
      ['norm2.bias', [width]],
      ['mlp.fc1.weight', [2 * width, width]],
      ['mlp.fc1.bias', [2 * width]],
      ['mlp.fc2.weight', [width, 2 * width]],
      ['mlp.fc2.bias', [width]],
    ] as const) {
      shapes.push([`blocks.${index}.${name}`, [...shape]]);
    }
  }
  return [...shapes, ['norm.weight', [width]], ['norm.bias', [width]]];
}

describeOnEachEngine('vitEmbedding()', (engine) => {
  test('has the gradient of its differences in every parameter, along random directions', () => {
    const { tf } = engine();
    const { images, patchesPerImage, patchSizePixels } = tiny;
    const parameters = new Map(
      tinyShapes().map(([name, shape]) => [name, tf.mul(normalTensor(engine(), name, shape), 0.5)]),
    );
    const cut = normalTensor<Tensor2D>(engine(), 'patches', [images * patchesPerImage, patchSizePixels ** 2]);
    const weights = normalTensor<Tensor2D>(engine(), 'cotangent', [images, tiny.width]);
    const embed = (tensors: ParameterTensors) => vitEmbedding(engine(), cut, { ...tiny, parameters: tensors });

    const { gradient } = flatGradient(engine(), parameters, {
      compute: () => tf.sum(tf.mul(embed(parameters), weights)) as Scalar,
    });
    const slopes = gradient.dataSync<'float32'>();
    const cotangent = weights.dataSync<'float32'>();
    const random = createRandom('directions');
    let offset = 0;
    for (const [name, tensor] of parameters) {
      const direction = Float32Array.from({ length: tensor.size }, () => random.normal() / Math.sqrt(tensor.size));
      const step = 0.01;
      const sumAt = (distance: number) =>
        tf.tidy(() => {
          const moved = tf.add(
            tensor,
            tf.tensor(
              direction.map((value) => value * distance),
              tensor.shape,
            ),
          );
          const y = embed(new Map([...parameters, [name, moved]])).dataSync<'float32'>();
          return { sum: y.reduce((sum, value, index) => sum + value * cotangent[index]!, 0) };
        }).sum;
      const difference = (sumAt(step) - sumAt(-step)) / (2 * step);
      const along = direction.reduce((sum, value, index) => sum + value * slopes[offset + index]!, 0);
      expect([along], name).toBeAllClose([difference], { relative: 5e-3, absolute: 2e-3 });
      offset += tensor.size;
    }
    tf.dispose([cut, weights, gradient]);
    disposeParameters(parameters);
  });

  test('leaves no tensor but the embedding behind', () => {
    const { tf } = engine();
    const parameters = new Map(tinyShapes().map(([name, shape]) => [name, normalTensor(engine(), name, shape)]));
    const cut = normalTensor<Tensor2D>(engine(), 'patches', [12, 4]);
    const before = tf.memory().numTensors;
    vitEmbedding(engine(), cut, { ...tiny, parameters }).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('normalises with the epsilon that is given', () => {
    const parameters = new Map(tinyShapes().map(([name, shape]) => [name, normalTensor(engine(), name, shape)]));
    const cut = normalTensor<Tensor2D>(engine(), 'patches', [12, 4]);
    // So large that of a normalisation its bias alone is left.
    const embedded = vitEmbedding(engine(), cut, { ...tiny, parameters, epsilon: 1e18 });
    const bias = parameters.get('norm.bias')!.dataSync();
    expect(embedded.dataSync()).toBeAllClose([...bias, ...bias, ...bias], { relative: 1e-5, absolute: 0 });
  });

  test('refuses images of another size than the position table', () => {
    const parameters = new Map(tinyShapes().map(([name, shape]) => [name, normalTensor(engine(), name, shape)]));
    const cut = normalTensor<Tensor2D>(engine(), 'patches', [15, 4]);
    expect(() => vitEmbedding(engine(), cut, { ...tiny, parameters })).toThrow(/5 patches: the position table has 4/);
  });
});
