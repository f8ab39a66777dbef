import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { convolution } from './convolution.ts';

/** Sizes of image [images, height, width, in] and kernel [out, in, height, width], none a multiple of anything. */
const cases = [
  { image: [2, 5, 4, 3], kernel: [2, 3, 3, 3], stride: 1, padding: 1 },
  { image: [2, 5, 6, 2], kernel: [3, 2, 3, 3], stride: 2, padding: 1 },
  { image: [1, 9, 8, 1], kernel: [2, 1, 7, 7], stride: 2, padding: 3 },
  { image: [2, 3, 4, 5], kernel: [2, 5, 1, 1], stride: 1, padding: 0 },
  { image: [1, 4, 3, 2], kernel: [3, 2, 1, 1], stride: 2, padding: 0 },
  { image: [1, 7, 5, 2], kernel: [1, 2, 2, 3], stride: 3, padding: 0 },
];

describeOnEachEngine('convolution()', (engine) => {
  // WebAssembly has no kernel for the way back to the weight.
  const forms = () => (engine().kind === 'wasm' ? [true] : [true, false]);

  describe.each(cases)('of $image by $kernel, stride $stride, padding $padding', ({
    image,
    kernel,
    stride,
    padding,
  }) => {
    const inputs = (): [Tensor4D, Tensor4D, Tensor1D] => [
      normalTensor(engine(), 'x', image),
      normalTensor(engine(), 'weight', kernel),
      normalTensor(engine(), 'bias', [kernel[0]!]),
    ];

    test('sums over neighbourhoods and channels', () => {
      const [x, weight, bias] = inputs();
      const expected = neighbourhoodSums([x, weight, bias], { stride, padding });
      for (const hostLoops of [true, false]) {
        const y = convolution(withHabits(engine(), { hostLoops }), x, { weight, bias, stride, padding });
        expect(y.shape).toEqual(expected.shape);
        expect(y.dataSync()).toBeAllClose(expected.values, { relative: 1e-5, absolute: 0 });
      }
    });

    test('has the gradient of its differences', () => {
      for (const hostLoops of forms()) {
        expectGradientsToMatchDifferences(engine(), {
          evaluate: (...[x, weight, bias]: Tensor[]) =>
            convolution(withHabits(engine(), { hostLoops }), x as Tensor4D, {
              weight: weight as Tensor4D,
              bias: bias as Tensor1D,
              stride,
              padding,
            }),
          inputs: inputs(),
        });
      }
    });
  });

  test('refuses a weight for other channels and an image smaller than the kernel', () => {
    const x = normalTensor<Tensor4D>(engine(), 'x', [1, 2, 4, 2]);
    const convolve = (shape: number[]) => convolution(engine(), x, { weight: normalTensor(engine(), 'w', shape) });
    expect(() => convolve([1, 3, 1, 1])).toThrow('the weight is for 3 channels, found images of 2');
    expect(() => convolve([1, 2, 3, 3])).toThrow('images of 2 x 4 with padding 0 are smaller than the kernel of 3 x 3');
  });
});

/** The definition, number by number. */
function neighbourhoodSums(
  [x, weight, bias]: [Tensor4D, Tensor4D, Tensor1D],
  { stride, padding }: { stride: number; padding: number },
) {
  const [images, height, width, inputs] = x.shape;
  const [outputs, , kernelHeight, kernelWidth] = weight.shape;
  const outputHeight = Math.floor((height + 2 * padding - kernelHeight) / stride) + 1;
  const outputWidth = Math.floor((width + 2 * padding - kernelWidth) / stride) + 1;
  const [pixels, kernels, offsets] = [x.dataSync(), weight.dataSync(), bias.dataSync()];
  const values: number[] = [];
  const sumAt = (image: number, top: number, left: number, output: number) => {
    let sum = offsets[output]!;
    for (let input = 0; input < inputs; input += 1) {
      for (let i = 0; i < kernelHeight; i += 1) {
        for (let j = 0; j < kernelWidth; j += 1) {
          if (top + i < 0 || top + i >= height || left + j < 0 || left + j >= width) continue;
          const pixel = pixels[((image * height + top + i) * width + left + j) * inputs + input]!;
          sum += pixel * kernels[((output * inputs + input) * kernelHeight + i) * kernelWidth + j]!;
        }
      }
    }
    return sum;
  };
  for (let image = 0; image < images; image += 1) {
    for (let row = 0; row < outputHeight; row += 1) {
      for (let column = 0; column < outputWidth; column += 1) {
        for (let output = 0; output < outputs; output += 1) {
          values.push(sumAt(image, row * stride - padding, column * stride - padding, output));
        }
      }
    }
  }
  return { shape: [images, outputHeight, outputWidth, outputs], values };
}
