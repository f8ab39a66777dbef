/**
 * The neighbourhoods that a convolution's kernel sees, gathered into the rows of a matrix, so that the convolution
 * becomes one product; and their way back. Plain loops over numbers laid out (image, row, column, channel).
 */

/** The sizes of a convolution. `padding` zeros surround the image on each side. */
export interface ConvolutionSizes {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride: number;
  readonly padding: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
}

/**
 * Fills the rows of `patches` [images * output height * output width, kernel height * kernel width * channels] from
 * `pixels`, with zeros for what lies outside the image.
 */
export function gatherPatches(
  pixels: Float32Array,
  { patches, sizes }: { readonly patches: Float32Array; readonly sizes: ConvolutionSizes },
): void {
  if (sizes.padding > 0) patches.fill(0);
  forEachRun(sizes, (pixel, patch, length) => {
    for (let index = 0; index < length; index += 1) patches[patch + index] = pixels[pixel + index]!;
  });
}

/** The way back: each pixel becomes the sum of the patch numbers that were copied from it. */
export function scatterPatches(
  patches: Float32Array,
  { pixels, sizes }: { readonly pixels: Float32Array; readonly sizes: ConvolutionSizes },
): void {
  pixels.fill(0);
  forEachRun(sizes, (pixel, patch, length) => {
    for (let index = 0; index < length; index += 1) {
      pixels[pixel + index] = pixels[pixel + index]! + patches[patch + index]!;
    }
  });
}

/** Visits what lies side by side both in the image and in a patch: of one kernel row, the columns inside the image. */
function forEachRun(sizes: ConvolutionSizes, visit: (pixel: number, patch: number, length: number) => void): void {
  const { images, height, width, channels, kernelHeight, kernelWidth, stride, padding } = sizes;
  const { outputHeight, outputWidth } = sizes;
  const rowLength = kernelWidth * channels;
  let patch = 0;
  for (let image = 0; image < images; image += 1) {
    for (let outputRow = 0; outputRow < outputHeight; outputRow += 1) {
      for (let outputColumn = 0; outputColumn < outputWidth; outputColumn += 1) {
        const left = outputColumn * stride - padding;
        const first = Math.max(0, -left);
        const length = (Math.min(kernelWidth, width - left) - first) * channels;
        for (let kernelRow = 0; kernelRow < kernelHeight; kernelRow += 1, patch += rowLength) {
          const row = outputRow * stride - padding + kernelRow;
          if (row < 0 || row >= height) continue;
          visit(((image * height + row) * width + left + first) * channels, patch + first * channels, length);
        }
      }
    }
  }
}
