import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { SeededRandom } from '../../random/seeded-random.ts';
import type { Engine } from '../engine/open-engine.ts';
import { product } from '../ops/product.ts';
import { drawEach, type ViewShare } from './view-share.ts';

const blurProbability = 0.5;
/** The widest blur's standard deviation as a share of the slice's side: 1.3 pixels of 64, 4.5 of 224. */
const deviationShare = 0.02;

/**
 * Blurs half of the slices [n, size, size] by a random amount, between not at all and a Gaussian of fixed width, as
 * reconstruction kernels of scanners differ in sharpness.
 */
export function blurSome(
  engine: Engine,
  slices: Tensor3D,
  { random, share }: { readonly random: SeededRandom; readonly share: ViewShare },
): Tensor3D {
  const { tf } = engine;
  const [count, , width] = slices.shape;
  const amounts = drawEach(share, () => (random.next() < blurProbability ? random.next() : 0));
  return tf.tidy(() => {
    const amount = tf.tensor3d(amounts, [count, 1, 1]);
    const blurred = gaussianBlur(engine, slices, { deviationPixels: deviationShare * width });
    return tf.add(slices, tf.mul(tf.sub(blurred, slices), amount)) as Tensor3D;
  });
}

/**
 * Convolves slices [n, height, width] with a Gaussian cut at `radiusPixels` (three deviations unless given), mirroring
 * the slice at its edges without repeating the edge.
 */
export function gaussianBlur(
  engine: Engine,
  slices: Tensor3D,
  {
    deviationPixels,
    radiusPixels = Math.ceil(3 * deviationPixels),
  }: { deviationPixels: number; radiusPixels?: number },
): Tensor3D {
  const { tf } = engine;
  const kernel = gaussianKernel(deviationPixels, radiusPixels);
  // One product for all rows of all slices: convolutions of one channel are slow on WebAssembly.
  const alongRows = (x: Tensor3D): Tensor3D => {
    const [count, rows, columns] = x.shape;
    const matrix = tf.tensor2d(blurMatrix(columns, kernel), [columns, columns]);
    const flat: Tensor2D = tf.reshape(x, [count * rows, columns]);
    return tf.reshape(product(engine, [flat, matrix]), [count, rows, columns]);
  };
  const turned = (x: Tensor3D): Tensor3D => tf.transpose(x, [0, 2, 1]);
  return tf.tidy(() => turned(alongRows(turned(alongRows(slices)))));
}

/** Taps at whole pixels from -radius to radius that sum to 1. */
function gaussianKernel(deviation: number, radius: number): number[] {
  const taps = Array.from({ length: 2 * radius + 1 }, (_, index) =>
    Math.exp(-((index - radius) ** 2) / (2 * deviation ** 2)),
  );
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
}

/** The matrix that a row of `size` pixels is multiplied by: column j says what pixel j is a mean of. */
function blurMatrix(size: number, kernel: readonly number[]): Float32Array {
  const radius = (kernel.length - 1) / 2;
  const period = 2 * (size - 1);
  const matrix = new Float32Array(size * size);
  for (let pixel = 0; pixel < size; pixel += 1) {
    kernel.forEach((tap, index) => {
      const unfolded = (((pixel + index - radius) % period) + period) % period;
      const source = unfolded < size ? unfolded : period - unfolded;
      matrix[source * size + pixel]! += tap;
    });
  }
  return matrix;
}
