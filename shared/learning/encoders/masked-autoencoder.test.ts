import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { initialise } from '../../tensors/initialise.ts';
import { maskedAutoencoderLayout } from '../../tensors/layouts/masked-autoencoder.ts';
import { sinCosPositions } from '../../tensors/positions/sin-cos-positions.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { type Engine, openEngine } from '../engine/open-engine.ts';
import { maskedReconstruction } from '../objectives/masked-reconstruction.ts';
import { reconstructionTarget } from '../objectives/reconstruction-target.ts';
import { createAdamW } from '../optimisers/adamw.ts';
import { flatGradient } from '../optimisers/flat-gradient.ts';
import { loadParameters, type ParameterTensors } from '../parameters.ts';
import { maskedDecoding, maskedEncoding } from './masked-autoencoder.ts';
import { patchMask, visibility } from './patch-mask.ts';
import { patches } from './patches.ts';

const encoder = { width: 8, depth: 2, heads: 2, mlpWidth: 16, patchSizePixels: 2 };
const decoder = { width: 12, depth: 1, heads: 3 };
const grid = { rows: 2, columns: 3 };
const [images, patchesPerImage, patchNumbers] = [2, 6, 4];
const layoutOf = (predictedPatchSizePixels: number) =>
  maskedAutoencoderLayout({ encoder, decoder, inputChannels: 1, predictedPatchSizePixels, group: 'image' });
const layout = layoutOf(4);
const small = layoutOf(2);

function parametersOn(engine: Engine): ParameterTensors {
  return withPositions(engine, loadParameters(engine, layout, initialise(layout, 'masked autoencoder')));
}

function withPositions(engine: Engine, trained: ParameterTensors): ParameterTensors {
  const table = (width: number) =>
    engine.tf.tensor(sinCosPositions('mae', { ...grid, width }), [1, 1 + patchesPerImage, width]);
  return new Map([...trained, ['pos_embed', table(encoder.width)], ['decoder_pos_embed', table(decoder.width)]]);
}

const random = createRandom('patches');
const pixels = Float32Array.from({ length: images * patchesPerImage * patchNumbers }, () => random.normal());
/** Sees patches 3, 0 of the first image and 5, 4 of the second. */
const mask = patchMask([1, 5, 6, 0, 7, 8, 3, 4, 5, 6, 1, 0], { images, visiblePerImage: 2 });
const close = { relative: 1e-5, absolute: 1e-6 };

describeOnEachEngine('maskedEncoding() and maskedDecoding()', (engine) => {
  const encode = (parameters: ParameterTensors, values: Float32Array, seen = mask) => {
    const patches: Tensor2D = engine().tf.tensor2d(values, [images * patchesPerImage, patchNumbers]);
    return maskedEncoding(engine(), patches, { mask: seen, parameters, depth: encoder.depth, heads: encoder.heads });
  };
  const decode = (parameters: ParameterTensors, latent: Tensor2D, seen = mask) =>
    maskedDecoding(engine(), latent, { mask: seen, parameters, depth: decoder.depth, heads: decoder.heads });

  test('see nothing of removed patches', () => {
    const parameters = parametersOn(engine());
    const latent = encode(parameters, pixels);
    expect(latent.shape).toEqual([images * 3, encoder.width]);
    const changed = pixels.slice();
    // Patch 1 of the first image is removed, patch 5 of the second is visible.
    changed[1 * patchNumbers] = 50;
    expect(encode(parameters, changed).dataSync()).toEqual(latent.dataSync());
    changed[(patchesPerImage + 5) * patchNumbers] = 50;
    expect(encode(parameters, changed).dataSync()).not.toEqual(latent.dataSync());
  });

  test('normalise with the epsilon that is given', () => {
    const bias = normalTensor(engine(), 'bias', [encoder.width]);
    const parameters = new Map([...parametersOn(engine()), ['norm.bias', bias] as const]);
    const patches: Tensor2D = engine().tf.tensor2d(pixels, [images * patchesPerImage, patchNumbers]);
    // So large that of a normalisation its bias alone is left.
    const epsilon = 1e18;
    const latent = maskedEncoding(engine(), patches, { mask, parameters, ...encoder, epsilon });
    const expected = Array.from({ length: latent.shape[0] }, () => [...bias.dataSync()]).flat();
    expect(latent.dataSync()).toBeAllClose(expected, close);
    const predicted = maskedDecoding(engine(), latent, { mask, parameters, ...decoder, epsilon });
    // The decoder's norm starts without a bias, so that of its last map the bias alone is left, 0 as well.
    expect(predicted.dataSync()).toBeAllClose(new Float32Array(predicted.size), close);
  });

  test('predict every patch in its own place, whatever the order in which the visible ones were drawn', () => {
    const parameters = parametersOn(engine());
    const predicted = decode(parameters, encode(parameters, pixels));
    expect(predicted.shape).toEqual([images, patchesPerImage, 16]);
    const other = { ...mask, visible: Int32Array.of(0, 3, 4, 5) };
    const again = decode(parameters, encode(parameters, pixels, other), other);
    expect(again.dataSync()).toBeAllClose(predicted.dataSync(), close);
  });

  test('leave nothing but their results behind', () => {
    const { tf } = engine();
    const parameters = parametersOn(engine());
    const before = tf.memory().numTensors;
    const latent = tf.tidy(() => encode(parameters, pixels));
    decode(parameters, latent).dispose();
    latent.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('refuse patches and positions of another image size', () => {
    const parameters = parametersOn(engine());
    expect(() => encode(parameters, pixels, { ...mask, images: 3 })).toThrow('3 images of 6 patches, found 12');
    const other = patchMask(
      Array.from({ length: 12 }, (_, patch) => patch),
      { images: 1, visiblePerImage: 4 },
    );
    expect(() => encode(parameters, pixels, other)).toThrow('"pos_embed" has 6');
  });
});

test('a masked autoencoder learns to fill in what it did not see', async () => {
  const engine = await openEngine({ prefer: ['wasm'] });
  const { tf } = engine;
  const count = 8;
  // Gratings of random direction and phase: what is hidden follows from what is seen.
  const gratings = createRandom('gratings');
  const values = Array.from({ length: count }, () => {
    const [row, column, phase] = [gratings.next(), gratings.next(), 6 * gratings.next()];
    return Array.from({ length: 24 }, (_, pixel) =>
      Math.sin(phase + row * Math.floor(pixel / 6) + column * (pixel % 6)),
    );
  });
  const pictures = tf.tensor4d(values.flat(), [count, 1, 4, 6]);
  const optimiser = createAdamW(engine, small, {
    values: initialise(small, 'learning'),
    beta1: 0.9,
    beta2: 0.95,
    weightDecay: 0.05,
    clipNorm: 1,
  });
  const losses: number[] = [];
  for (let step = 0; step < 60; step += 1) {
    const noise = Float32Array.from({ length: count * patchesPerImage }, () => gratings.next());
    const drawn = patchMask(noise, { images: count, visiblePerImage: 3 });
    const trained = optimiser.parameters();
    const { value, gradient } = flatGradient(engine, trained, {
      compute: () => {
        const parameters = withPositions(engine, trained);
        const cut = patches(engine, pictures, { patchSizePixels: 2 });
        const latent = maskedEncoding(engine, cut, {
          mask: drawn,
          parameters,
          depth: encoder.depth,
          heads: encoder.heads,
        });
        const predicted = maskedDecoding(engine, latent, {
          mask: drawn,
          parameters,
          depth: decoder.depth,
          heads: decoder.heads,
        });
        const target = reconstructionTarget(engine, pictures, { patchSizePixels: 2, normalised: false });
        const visible = tf.tensor2d(visibility(drawn), [count, patchesPerImage]);
        return maskedReconstruction(engine, { predicted, target }, { visible });
      },
    });
    optimiser.step(gradient, { learningRate: 0.01 });
    losses.push(value.dataSync()[0]!);
    tf.dispose([value, gradient]);
  }
  const mean = (part: number[]) => part.reduce((sum, loss) => sum + loss, 0) / part.length;
  expect(mean(losses.slice(-10))).toBeLessThan(0.5 * mean(losses.slice(0, 10)));
  optimiser.dispose();
});
