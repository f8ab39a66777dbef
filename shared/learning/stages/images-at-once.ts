import { type VitArchitecture, vitSizes } from '../../tensors/layouts/vit.ts';
import type { EngineKind } from '../engine/open-engine.ts';

/**
 * How many images of that size pass the slice encoder at once, in training or embedding, so that memory stays bounded
 * whatever the batch. At this limit a thread's WebAssembly memory was measured to grow to 1 GB for ViT-Tiny at 224 pixels and
 * 1.5 GB for ViT-Small, of which a token of width 192 holds 200 kB from the forward to the backward pass. It ends at 4 GB.
 *
 * TensorFlow's library has no such end, and passing the encoder twice costs a third of a step, so there the limit is double.
 */
export function imagesAtOnce(encoder: SliceEncoderSize, kind: EngineKind = 'wasm'): number {
  const { width } = vitSizes(encoder.architecture);
  const limit = kind === 'native' || kind === 'cuda' ? 2 * numbersAtOnce : numbersAtOnce;
  return Math.max(1, Math.floor(limit / width / tokensOf(encoder)));
}

export interface SliceEncoderSize {
  readonly architecture: VitArchitecture;
  readonly imageSizePixels: number;
}

/** How many tokens the slice encoder makes of an image, the class token among them. */
export function tokensOf({ architecture, imageSizePixels }: SliceEncoderSize): number {
  return 1 + (imageSizePixels / vitSizes(architecture).patchSizePixels) ** 2;
}

const numbersAtOnce = 4096 * 192;
