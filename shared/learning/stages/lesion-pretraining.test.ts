import type { Tensor3D } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { initialise } from '../../tensors/initialise.ts';
import { lesionPretrainingLayout } from '../../tensors/layouts/lesion-pretraining.ts';
import { vitLayout } from '../../tensors/layouts/vit.ts';
import '../../test/all-close.ts';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import { patches } from '../encoders/patches.ts';
import { vitEmbedding } from '../encoders/vit.ts';
import { type Engine, openEngine } from '../engine/open-engine.ts';
import { createLesionPretraining, type LesionPretrainingOptions } from './lesion-pretraining.ts';

const imageSizePixels = 16;
const sizes = { width: 12, depth: 2, heads: 2, mlpWidth: 24, patchSizePixels: 8 };
const layout = lesionPretrainingLayout({
  encoder: vitLayout({ sizes, imageSizePixels, inputChannels: 1, group: 'slice' }),
  encoderWidth: sizes.width,
  hiddenWidth: 32,
  embeddingWidth: 8,
  group: 'slice',
});
const start = initialise(layout.queries, 'lesion pretraining test');

function open(engine: Engine, options: Partial<LesionPretrainingOptions> = {}) {
  return createLesionPretraining(engine, {
    layout,
    embed: (on, images, parameters) =>
      vitEmbedding(on, patches(on, on.tf.expandDims(images, 1), sizes), {
        ...sizes,
        images: images.shape[0],
        parameters,
      }),
    objective: { temperature: 0.2 },
    optimiser: { learningRate: 2e-3, warmUpFraction: 0, weightDecay: 1e-6, beta1: 0.9, beta2: 0.99, clipNorm: 1 },
    momentum: { start: 0.9, rises: false },
    parameters: start,
    ...options,
  });
}

/** Each slice has a gradient of its own direction; one view is the slice, the other the same with noise. */
function views({ tf }: Engine, slices: number): { whole: Tensor3D; crop: Tensor3D } {
  const random = createRandom('views');
  const draw = (noise: number) =>
    tf.tensor3d(
      Float32Array.from({ length: slices * imageSizePixels ** 2 }, (_, index) => {
        const [slice, pixel] = [Math.floor(index / imageSizePixels ** 2), index % imageSizePixels ** 2];
        const angle = (2 * Math.PI * slice) / slices;
        const along =
          Math.cos(angle) * Math.floor(pixel / imageSizePixels) + Math.sin(angle) * (pixel % imageSizePixels);
        return 0.5 + along / (3 * imageSizePixels) + noise * random.normal();
      }),
      [slices, imageSizePixels, imageSizePixels],
    );
  return { whole: draw(0), crop: draw(0.05) };
}

const lesions = [true, false, true, false, false, true];
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('createLesionPretraining()', () => {
  test('learns to tell slices apart, with as many tensors after each of 30 steps and none after dispose()', async () => {
    const engine = await openEngine({ prefer: ['wasm'] });
    const batch = views(engine, lesions.length);
    const before = engine.tf.memory().numTensors;
    const training = open(engine);
    const held = engine.tf.memory().numTensors;
    const losses: number[] = [];
    for (let step = 0; step < 30; step += 1) {
      losses.push(await training.step(batch, { lesions, progress: 0 }));
      expect(engine.tf.memory().numTensors).toBe(held);
    }
    expect(mean(losses.slice(-5))).toBeLessThan(0.7 * mean(losses.slice(0, 5)));
    training.dispose();
    expect(engine.tf.memory().numTensors).toBe(before);
  });
});

describeOnEachEngine('createLesionPretraining()', (engine) => {
  test('takes the same step whether the images pass the encoder together or in parts', async () => {
    const batch = views(engine(), lesions.length);
    const after = async (options: Partial<LesionPretrainingOptions>) => {
      const training = open(engine(), options);
      const loss = await training.step(batch, { lesions, progress: 0 });
      const moved = await training.parameters();
      training.dispose();
      return { loss, moved };
    };
    const optimiser = {
      ...{ learningRate: 1e-3, warmUpFraction: 0, weightDecay: 0, beta1: 0.9, beta2: 0.99, clipNorm: 1 },
      // Steps in proportion to the gradient, so that rounding stays rounding.
      epsilon: 1,
    };
    const [whole, parts] = [await after({ optimiser }), await after({ optimiser, imagesAtOnce: 5 })];
    expect(parts.loss).toBeCloseTo(whole.loss, 4);
    expect(parts.moved).toBeAllClose(whole.moved, { relative: 1e-6, absolute: 0 });
    expect(whole.moved).not.toEqual(start);
  });

  test('moves the keys’ encoder towards the queries’ before each step, ever less where its momentum rises', async () => {
    const keyParameters = new Float32Array(layout.keys.size).fill(0.25);
    const keysAfter = async (momentum: LesionPretrainingOptions['momentum'], progress: number) => {
      const training = open(engine(), { keyParameters, momentum });
      await training.step(views(engine(), 2), { lesions: [false, true], progress });
      const moved = await training.keyParameters();
      training.dispose();
      return moved;
    };
    const towards = (share: number) => keyParameters.map((key, index) => key + share * (start[index]! - key));
    const exactly = { relative: 1e-6, absolute: 0 };
    expect(await keysAfter({ start: 0.6, rises: false }, 0.5)).toBeAllClose(towards(0.4), exactly);
    expect(await keysAfter({ start: 0.6, rises: true }, 0.5)).toBeAllClose(towards(0.2), exactly);
    expect(await keysAfter({ start: 0.6, rises: true }, 1)).toBeAllClose(keyParameters, exactly);
  });

  test('lets lesions of other slices raise the loss', async () => {
    const lossWith = async (flags: boolean[]) => {
      const training = open(engine());
      const loss = await training.step(views(engine(), 4), { lesions: flags, progress: 0 });
      training.dispose();
      return loss;
    };
    expect(await lossWith([true, true, false, false])).toBeGreaterThan(await lossWith([false, false, false, false]));
  });

  test('refuses flags of other slices and keeps no tensor of them', async () => {
    const training = open(engine());
    const batch = views(engine(), 2);
    const before = engine().tf.memory().numTensors;
    await expect(training.step(batch, { lesions: [true], progress: 0 })).rejects.toThrow(/and 1 flags/);
    expect(engine().tf.memory().numTensors).toBe(before);
    training.dispose();
  });

  test('refuses parameters of another layout', () => {
    expect(() => open(engine(), { parameters: start.slice(1) })).toThrow(TypeError);
  });
});
