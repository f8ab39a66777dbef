import { VIT_TINY } from '../../tensors/layouts/vit.ts';

/**
 * How many images of that size pass the slice encoder at once, in training or embedding, so that memory stays bounded
 * whatever the batch. A token holds 200 kB from the forward to the backward pass, and at this limit WebAssembly's memory
 * grows to 1.6 GB. It ends at 4 GB, past which the backend does not fail but computes nonsense.
 */
export function imagesAtOnce(imageSizePixels: number): number {
  return Math.max(1, Math.floor(tokensAtOnce / tokensOf(imageSizePixels)));
}

/** How many tokens the slice encoder makes of an image, the class token among them. */
export function tokensOf(imageSizePixels: number): number {
  return 1 + (imageSizePixels / VIT_TINY.patchSizePixels) ** 2;
}

const tokensAtOnce = 4096;
