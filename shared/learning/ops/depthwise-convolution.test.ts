import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { depthwiseConvolution } from './depthwise-convolution.ts';

/** Sizes of image and kernel, none a multiple of anything. */
const cases = [
  { image: [2, 5, 4, 3], kernel: [3, 3], padding: 1 },
  { image: [1, 3, 4, 2], kernel: [7, 7], padding: 3 },
  { image: [1, 6, 5, 1], kernel: [5, 2], padding: 0 },
  { image: [1, 4, 7, 2], kernel: [2, 5], padding: 1 },
];

describeOnEachEngine('depthwiseConvolution()', (engine) => {
  // WebAssembly has no kernels for the way back.
  const forms = () => (engine().kind === 'wasm' ? [true] : [true, false]);

  describe.each(cases)('of $image by $kernel with padding $padding', ({ image, kernel, padding }) => {
    const inputs = (): [Tensor4D, Tensor4D, Tensor1D] => [
      normalTensor(engine(), 'x', image),
      normalTensor(engine(), 'weight', [image[3]!, 1, ...kernel]),
      normalTensor(engine(), 'bias', [image[3]!]),
    ];

    test('sums each channel’s neighbourhood', () => {
      const [x, weight, bias] = inputs();
      const expected = neighbourhoodSums([x, weight, bias], padding);
      for (const hostLoops of [true, false]) {
        const y = depthwiseConvolution(withHabits(engine(), { hostLoops }), x, { weight, bias, padding });
        expect(y.shape).toEqual(expected.shape);
        expect(y.dataSync()).toBeAllClose(expected.values, { relative: 1e-5, absolute: 0 });
      }
    });

    test('has the gradient of its differences', () => {
      for (const hostLoops of forms()) {
        expectGradientsToMatchDifferences(engine(), {
          evaluate: (...[x, weight, bias]: Tensor[]) =>
            depthwiseConvolution(withHabits(engine(), { hostLoops }), x as Tensor4D, {
              weight: weight as Tensor4D,
              bias: bias as Tensor1D,
              padding,
            }),
          inputs: inputs(),
        });
      }
    });
  });

  test('refuses a weight for other channels, a padding beyond the kernel and an image smaller than it', () => {
    const x = normalTensor<Tensor4D>(engine(), 'x', [1, 4, 4, 2]);
    const weight = (shape: number[]) => normalTensor<Tensor4D>(engine(), 'weight', shape);
    const convolve = (shape: number[], padding: number) =>
      depthwiseConvolution(engine(), x, { weight: weight(shape), padding });
    expect(() => convolve([3, 1, 3, 3], 1)).toThrow('must be [2, 1, height, width] for 2 channels, found [3, 1, 3, 3]');
    expect(() => convolve([2, 1, 3, 3], 3)).toThrow('the padding must be less than the kernel of 3 x 3, found 3');
    expect(() => convolve([2, 1, 7, 7], 1)).toThrow('images of 4 x 4 with padding 1 are smaller than the kernel');
  });
});

/** The definition, number by number. */
function neighbourhoodSums([x, weight, bias]: [Tensor4D, Tensor4D, Tensor1D], padding: number) {
  const [images, height, width, channels] = x.shape;
  const [, , kernelHeight, kernelWidth] = weight.shape;
  const shape = [images, height + 2 * padding - kernelHeight + 1, width + 2 * padding - kernelWidth + 1, channels];
  const [pixels, kernels, offsets] = [x.dataSync(), weight.dataSync(), bias.dataSync()];
  const values: number[] = [];
  for (let image = 0; image < images; image += 1) {
    for (let row = 0; row < shape[1]!; row += 1) {
      for (let column = 0; column < shape[2]!; column += 1) {
        for (let channel = 0; channel < channels; channel += 1) {
          let sum = offsets[channel]!;
          for (let i = 0; i < kernelHeight; i += 1) {
            for (let j = 0; j < kernelWidth; j += 1) {
              const [y, z] = [row + i - padding, column + j - padding];
              if (y < 0 || y >= height || z < 0 || z >= width) continue;
              const pixel = pixels[((image * height + y) * width + z) * channels + channel]!;
              sum += pixel * kernels[(channel * kernelHeight + i) * kernelWidth + j]!;
            }
          }
          values.push(sum);
        }
      }
    }
  }
  return { shape, values };
}
