import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { addToChannels } from './add-to-channels.ts';
import { convolutionByKernels } from './convolution-kernels.ts';
import { differentiable } from './differentiable.ts';
import { hostLoop } from './host-loop.ts';
import { type ConvolutionSizes, gatherPatches, scatterPatches } from './image-patches.ts';
import { weightGradient } from './linear.ts';
import { product } from './product.ts';

/**
 * PyTorch's Conv2d: x [images, height, width, in], weight [out, in, kernel height, kernel width], bias [out] ->
 * [images, output height, output width, out], where `padding` zeros surround each image and the kernel moves by `stride`.
 *
 * @throws {TypeError} when the weight is for another number of channels.
 * @throws {RangeError} when the padded image is smaller than the kernel.
 */
export function convolution(
  engine: Engine,
  x: Tensor4D,
  {
    weight,
    bias,
    stride = 1,
    padding = 0,
  }: {
    readonly weight: Tensor4D;
    readonly bias?: Tensor1D | undefined;
    readonly stride?: number;
    readonly padding?: number;
  },
): Tensor4D {
  const sizes = sizesOf(x, weight, { stride, padding });
  const convolve = (engine.habits.hostLoops || isPointwise(sizes) ? byProduct : byKernels)(engine, sizes);
  const y = differentiable(engine, [x, weight], {
    forward: (images, kernels) => ({ value: convolve.forward(images, kernels), keep: { images, kernels } }),
    backward: (dy, { images, kernels }) => convolve.backward(dy, images, kernels),
  });
  return bias === undefined ? y : addToChannels(engine, y, bias);
}

function sizesOf(
  x: Tensor4D,
  weight: Tensor4D,
  { stride, padding }: { stride: number; padding: number },
): ConvolutionSizes {
  const [images, height, width, channels] = x.shape;
  const [, inputs, kernelHeight, kernelWidth] = weight.shape;
  if (inputs !== channels) {
    throw new TypeError(`Cannot convolve: the weight is for ${inputs} channels, found images of ${channels}`);
  }
  if (height + 2 * padding < kernelHeight || width + 2 * padding < kernelWidth) {
    throw new RangeError(
      `Cannot convolve: images of ${height} x ${width} with padding ${padding} are smaller than the kernel of ${kernelHeight} x ${kernelWidth}`,
    );
  }
  const outputHeight = Math.floor((height + 2 * padding - kernelHeight) / stride) + 1;
  const outputWidth = Math.floor((width + 2 * padding - kernelWidth) / stride) + 1;
  return {
    images,
    height,
    width,
    channels,
    kernelHeight,
    kernelWidth,
    stride,
    padding,
    outputHeight,
    outputWidth,
  };
}

/** A convolution whose patches are the pixels themselves. */
function isPointwise({ kernelHeight, kernelWidth, stride, padding }: ConvolutionSizes): boolean {
  return kernelHeight === 1 && kernelWidth === 1 && stride === 1 && padding === 0;
}

/** Gathers patches and multiplies once. Patches are gathered anew on the way back: kept, they would fill the memory. */
function byProduct(engine: Engine, sizes: ConvolutionSizes) {
  const { tf } = engine;
  const { images, height, width, channels, kernelHeight, kernelWidth, outputHeight, outputWidth } = sizes;
  const shape = [images * outputHeight * outputWidth, kernelHeight * kernelWidth * channels] as const;
  const pointwise = isPointwise(sizes);
  const patchesOf = (x: Tensor4D): Tensor2D =>
    pointwise
      ? tf.reshape(x, [...shape])
      : (hostLoop(engine, [x], {
          shapes: [shape],
          loop: ([pixels], [patches]) => gatherPatches(pixels!, { patches: patches!, sizes }),
        })[0] as Tensor2D);
  const pixelsOf = (patches: Tensor2D): Tensor4D =>
    pointwise
      ? tf.reshape(patches, [images, height, width, channels])
      : (hostLoop(engine, [patches], {
          shapes: [[images, height, width, channels]],
          loop: ([rows], [pixels]) => scatterPatches(rows!, { pixels: pixels!, sizes }),
        })[0] as Tensor4D);
  // [out, in, height, width] -> [out, height * width * in], the order of a patch's numbers
  const matrixOf = (weight: Tensor4D): Tensor2D =>
    tf.reshape(pointwise ? weight : tf.transpose(weight, [0, 2, 3, 1]), [weight.shape[0], shape[1]]);
  return {
    forward: (x: Tensor4D, weight: Tensor4D): Tensor4D =>
      tf.reshape(product(engine, [patchesOf(x), matrixOf(weight)], { transposeB: true }), [
        images,
        outputHeight,
        outputWidth,
        weight.shape[0],
      ]),
    backward: (dy: Tensor4D, x: Tensor4D, weight: Tensor4D): [Tensor4D, Tensor4D] => {
      const outputs = weight.shape[0];
      const dRows: Tensor2D = tf.reshape(dy, [shape[0], outputs]);
      const dMatrix = weightGradient(engine, { dy: dRows, x: patchesOf(x) });
      const dWeight = tf.transpose(tf.reshape(dMatrix, [outputs, kernelHeight, kernelWidth, channels]), [0, 3, 1, 2]);
      return [pixelsOf(product(engine, [dRows, matrixOf(weight)])), dWeight as Tensor4D];
    },
  };
}

function byKernels(engine: Engine, sizes: ConvolutionSizes) {
  const { tf } = engine;
  const { stride } = sizes;
  return convolutionByKernels(engine, sizes, {
    convolve: (padded, filter) => tf.conv2d(padded, filter, stride, 'valid'),
    backpropInput: tf.Conv2DBackpropInput,
    backpropFilter: tf.Conv2DBackpropFilter,
    attributes: { strides: [stride, stride], pad: 'valid', dataFormat: 'NHWC', dilations: [1, 1] },
    // [out, in, height, width] <-> [height, width, in, out]
    toFilter: [2, 3, 1, 0],
    toWeight: [3, 2, 0, 1],
  });
}
