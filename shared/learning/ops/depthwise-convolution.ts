import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { addToChannels } from './add-to-channels.ts';
import { convolutionByKernels } from './convolution-kernels.ts';
import { convolveDepthwise, convolveDepthwiseBackward, type DepthwiseSizes } from './depthwise-planes.ts';
import { differentiable } from './differentiable.ts';
import { hostLoop } from './host-loop.ts';

/**
 * PyTorch's Conv2d with as many groups as channels and stride 1: x [images, height, width, channels], weight [channels,
 * 1, kernel height, kernel width], bias [channels] -> [images, output height, output width, channels], where `padding`
 * zeros surround each image.
 *
 * @throws {RangeError} when the padding is as large as the kernel or the padded image is smaller than it.
 */
export function depthwiseConvolution(
  engine: Engine,
  x: Tensor4D,
  {
    weight,
    bias,
    padding,
  }: { readonly weight: Tensor4D; readonly bias?: Tensor1D | undefined; readonly padding: number },
): Tensor4D {
  const sizes = sizesOf(x, weight, padding);
  const convolve = (engine.habits.hostLoops ? byHostLoop : byKernels)(engine, sizes);
  const y = differentiable(engine, [x, weight], {
    forward: (images, kernels) => ({ value: convolve.forward(images, kernels), keep: { images, kernels } }),
    backward: (dy, { images, kernels }) => convolve.backward(dy, images, kernels),
  });
  return bias === undefined ? y : addToChannels(engine, y, bias);
}

function sizesOf(x: Tensor4D, weight: Tensor4D, padding: number): DepthwiseSizes {
  const [images, height, width, channels] = x.shape;
  const [kernels, one, kernelHeight, kernelWidth] = weight.shape;
  if (kernels !== channels || one !== 1) {
    throw new TypeError(
      `Cannot convolve each channel by itself: the weight must be [${channels}, 1, height, width] for ${channels} channels, found [${weight.shape.join(', ')}]`,
    );
  }
  if (padding >= Math.min(kernelHeight, kernelWidth)) {
    throw new RangeError(
      `Cannot convolve each channel by itself: the padding must be less than the kernel of ${kernelHeight} x ${kernelWidth}, found ${padding}`,
    );
  }
  if (height + 2 * padding < kernelHeight || width + 2 * padding < kernelWidth) {
    throw new RangeError(
      `Cannot convolve each channel by itself: images of ${height} x ${width} with padding ${padding} are smaller than the kernel of ${kernelHeight} x ${kernelWidth}`,
    );
  }
  return { images, height, width, channels, kernelHeight, kernelWidth, padding };
}

function byHostLoop(engine: Engine, sizes: DepthwiseSizes) {
  const { images, height, width, channels, kernelHeight, kernelWidth, padding } = sizes;
  const outputShape = [
    images,
    height + 2 * padding - kernelHeight + 1,
    width + 2 * padding - kernelWidth + 1,
    channels,
  ];
  return {
    forward: (x: Tensor4D, weight: Tensor4D): Tensor4D =>
      hostLoop(engine, [x, weight], {
        shapes: [outputShape],
        loop: ([pixels, kernels], [y]) => convolveDepthwise({ x: pixels!, weight: kernels! }, { y: y!, sizes }),
      })[0] as Tensor4D,
    backward: (dy: Tensor4D, x: Tensor4D, weight: Tensor4D) =>
      hostLoop(engine, [dy, x, weight], {
        shapes: [x.shape, weight.shape],
        loop: ([gradient, pixels, kernels], [dx, dWeight]) =>
          convolveDepthwiseBackward(
            { x: pixels!, weight: kernels!, dy: gradient! },
            { dx: dx!, dWeight: dWeight!, sizes },
          ),
      }) as [Tensor4D, Tensor4D],
  };
}

function byKernels(engine: Engine, sizes: DepthwiseSizes) {
  const { tf } = engine;
  return convolutionByKernels(engine, sizes, {
    convolve: (padded, filter) => tf.depthwiseConv2d(padded, filter, [1, 1], 'valid'),
    backpropInput: tf.DepthwiseConv2dNativeBackpropInput,
    backpropFilter: tf.DepthwiseConv2dNativeBackpropFilter,
    attributes: { strides: [1, 1], pad: 'valid', dilations: [1, 1] },
    // [channels, 1, height, width] <-> [height, width, channels, 1]
    toFilter: [2, 3, 0, 1],
    toWeight: [2, 3, 0, 1],
  });
}
