/** Which patches of each image a masked autoencoder sees (He et al. 2022, arXiv 2111.06377, section 3). */

export interface PatchMask {
  readonly images: number;
  readonly patchesPerImage: number;
  readonly visiblePerImage: number;
  /** The visible patches of each image, in the order their tokens have in the encoder: [images * visible], 0..patches - 1. */
  readonly visible: Int32Array;
}

/**
 * Keeps the patches with the lowest noise, as sorting each row of `noise` [images * patches] finds them; equal numbers
 * keep their order.
 *
 * @throws {RangeError} when not at least one patch is visible and one removed.
 * @throws {TypeError} when the noise is not whole images.
 */
export function patchMask(
  noise: ArrayLike<number>,
  { images, visiblePerImage }: { readonly images: number; readonly visiblePerImage: number },
): PatchMask {
  const patchesPerImage = noise.length / images;
  if (!Number.isInteger(patchesPerImage)) {
    throw new TypeError(
      `Cannot mask: ${images} images need the same number of patches each, found ${noise.length} in all`,
    );
  }
  if (!Number.isInteger(visiblePerImage) || visiblePerImage < 1 || visiblePerImage >= patchesPerImage) {
    throw new RangeError(
      `Cannot mask: of ${patchesPerImage} patches 1 to ${patchesPerImage - 1} can be visible, found ${visiblePerImage}`,
    );
  }
  const visible = new Int32Array(images * visiblePerImage);
  for (let image = 0; image < images; image += 1) {
    const first = image * patchesPerImage;
    const order = Array.from({ length: patchesPerImage }, (_, patch) => patch);
    order.sort((a, b) => noise[first + a]! - noise[first + b]!);
    visible.set(order.slice(0, visiblePerImage), image * visiblePerImage);
  }
  return { images, patchesPerImage, visiblePerImage, visible };
}

/** [images * patches]: 1 where the encoder saw the patch, 0 where it was removed. */
export function visibility({ images, patchesPerImage, visiblePerImage, visible }: PatchMask): Float32Array {
  const seen = new Float32Array(images * patchesPerImage);
  visible.forEach((patch, index) => {
    seen[Math.floor(index / visiblePerImage) * patchesPerImage + patch] = 1;
  });
  return seen;
}

/** The mask that removes nothing, which a trained encoder is read with. */
export function withoutMask({ images, patchesPerImage }: Pick<PatchMask, 'images' | 'patchesPerImage'>): PatchMask {
  const visible = Int32Array.from({ length: images * patchesPerImage }, (_, index) => index % patchesPerImage);
  return { images, patchesPerImage, visiblePerImage: patchesPerImage, visible };
}

/** The mask of some of the images, one after another. */
export function maskIn(
  { patchesPerImage, visiblePerImage, visible }: PatchMask,
  { first, count }: { readonly first: number; readonly count: number },
): PatchMask {
  return {
    images: count,
    patchesPerImage,
    visiblePerImage,
    visible: visible.subarray(first * visiblePerImage, (first + count) * visiblePerImage),
  };
}
