import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { inWindow } from '../../imaging/intensity-window.ts';
import {
  bicubic,
  bicubicAntialiased,
  bilinear,
  bilinearAntialiased,
  type Interpolation,
  linearCornerAligned,
  linearPhysical,
  nearest,
  resampledSize,
} from '../../imaging/interpolation.ts';
import { quadraticSplineCornerAligned } from '../../imaging/quadratic-spline.ts';
import { resampleAxes } from '../../imaging/resample-axis.ts';
import { mirror, scaleBrightness, scaleContrast } from '../../learning/augmentations/colour-jitter.ts';
import { gaussianBlur } from '../../learning/augmentations/gaussian-blur.ts';
import { resampleImages } from '../../learning/augmentations/resample-images.ts';
import type { GoldenContext, GoldenOutput, GoldenPrograms } from './program.ts';

type Sizes = [number, number, number];

export const preprocessing: GoldenPrograms = {
  pre_hu_window: ({ config, numbers, shape }) => {
    const { slope, intercept, windows } = config as {
      slope: number;
      intercept: number;
      windows: Record<string, [number, number]>;
    };
    const hounsfield = numbers('input.hu');
    const like = (name: string, values: Float32Array) => ({ shape: shape(name), data: values });
    const outputs: Record<string, GoldenOutput> = {
      hu_from_raw: like(
        'input.raw',
        Float32Array.from(numbers('input.raw'), (raw) => slope * raw + intercept),
      ),
    };
    for (const [name, [low, high]] of Object.entries(windows)) {
      const shares = Float64Array.from(hounsfield, (value) => inWindow(value, { low, high }));
      outputs[name] = like('input.hu', Float32Array.from(shares));
      outputs[`${name}_255`] = like(
        'input.hu',
        Float32Array.from(shares, (share) => 255 * share),
      );
    }
    return outputs;
  },
  pre_resized_crop_bilinear: ({ engine, config, input }) => {
    const boxes = config['boxes_top_left_h_w_oh_ow'] as number[][];
    const outputs: Record<string, GoldenOutput> = {};
    boxes.forEach(([top, left, height, width, rows, columns], index) => {
      for (const [form, interpolation] of [
        ['plain', bilinear],
        ['antialias', bilinearAntialiased],
      ] as const) {
        outputs[`box${index}_${form}`] = engine.tf.tidy(() => {
          const crop = engine.tf.slice(input<Tensor3D>('image'), [0, top!, left!], [-1, height!, width!]);
          return resampleImages(engine, crop, {
            rows: interpolation(height!, rows!),
            columns: interpolation(width!, columns!),
          });
        });
      }
    });
    return outputs;
  },
  pre_resize_bicubic: ({ engine, config, input }) => {
    const [from, to] = [config['size_in'], config['size_out']] as [[number, number], [number, number]];
    const resized = (interpolation: typeof bicubic) =>
      resampleImages(engine, input<Tensor3D>('image'), {
        rows: interpolation(from[0], to[0]),
        columns: interpolation(from[1], to[1]),
      });
    return { plain: resized(bicubic), antialias: resized(bicubicAntialiased) };
  },
  pre_gaussian_blur: ({ engine, config, input }) =>
    Object.fromEntries(
      (config['kernel_sigma'] as [number, number][]).map(([kernel, deviationPixels], index) => [
        `blur${index}`,
        gaussianBlur(engine, input<Tensor3D>('image'), { deviationPixels, radiusPixels: (kernel - 1) / 2 }),
      ]),
    ),
  pre_flip_jitter: flipAndJitter,
  pre_volume_resample: ({ config, numbers, shape }) => {
    const size = shape('input.volume') as Sizes;
    const spacings = size.map((_, axis) => ({
      spacing: (config['spacing'] as Sizes)[axis]!,
      newSpacing: (config['new_spacing'] as Sizes)[axis]!,
    }));
    const newSize = size.map((samples, axis) => resampledSize(samples, spacings[axis]!));
    const resampled = (values: Float32Array, interpolate: (axis: number) => Interpolation) => ({
      shape: newSize,
      data: resampleAxes(
        values,
        size,
        size.map((_, axis) => ({ axis, ...interpolate(axis) })),
      ),
    });
    const volume = numbers('input.volume') as Float32Array;
    const labels = resampled(Float32Array.from(numbers('input.label')), (axis) => nearest(size[axis]!, newSize[axis]!));
    return {
      zoom: resampled(volume, (axis) => linearCornerAligned(size[axis]!, newSize[axis]!)),
      half_pixel: resampled(volume, (axis) => bilinear(size[axis]!, newSize[axis]!)),
      physical: resampled(volume, (axis) => linearPhysical(size[axis]!, newSize[axis]!, spacings[axis]!)),
      label_nearest: { shape: newSize, data: Int32Array.from(labels.data) },
    };
  },
  pre_volume_depth_spline2: ({ config, numbers, shape }) => {
    const size = shape('input.volume') as Sizes;
    const depth = config['depth_out'] as number;
    const data = resampleAxes(numbers('input.volume') as Float32Array, size, [
      { axis: 0, ...quadraticSplineCornerAligned(size[0], depth) },
    ]);
    return { zoom_order2: { shape: [depth, size[1], size[2]], data } };
  },
};

/** One factor at a time, and brightness with factor i before contrast with the i-th factor from the end. */
function flipAndJitter({ engine, config, input }: GoldenContext): Record<string, GoldenOutput> {
  const { tf } = engine;
  const factors = config['factors'] as number[];
  const outputs: Record<string, GoldenOutput> = {};
  const apply = (name: string, image: string, change: (images: Tensor4D) => Tensor4D) => {
    outputs[name] = tf.tidy(() => tf.squeeze<Tensor3D>(change(tf.expandDims(input<Tensor3D>(image), 0)), [0]));
  };
  apply('hflip', 'image', (images) => mirror(engine, images));
  apply('hflip_rgb', 'image_rgb', (images) => mirror(engine, images));
  factors.forEach((factor, index) => {
    const last = factors[factors.length - 1 - index]!;
    apply(`brightness${index}`, 'image', (images) => scaleBrightness(engine, images, [factor]));
    apply(`contrast${index}`, 'image', (images) => scaleContrast(engine, images, [factor]));
    apply(`contrast_rgb${index}`, 'image_rgb', (images) => scaleContrast(engine, images, [factor]));
    apply(`brightness_then_contrast${index}`, 'image', (images) =>
      scaleContrast(engine, scaleBrightness(engine, images, [factor]), [last]),
    );
  });
  return outputs;
}
