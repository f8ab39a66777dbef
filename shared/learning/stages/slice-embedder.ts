import type { VitArchitecture } from '../../tensors/layouts/vit.ts';

/** What embeds slices: one thread, or a team of them. */
export interface SliceEmbedder {
  /** How many slices it takes at once at most. */
  readonly slicesAtOnce: number;
  /**
   * The embeddings [count, width] of slices [count, size, size].
   *
   * @throws the signal's reason when it aborts and the work can be left; the embedder cannot be used afterwards.
   */
  embed(images: Float32Array, options: { readonly signal?: AbortSignal | undefined }): Promise<Float32Array>;
  dispose(): void;
}

export interface SliceEmbedderOptions {
  readonly architecture: VitArchitecture;
  readonly imageSizePixels: number;
  /** The encoder's parameters alone. */
  readonly parameters: Float32Array;
  /** Slices that pass the encoder at once in a thread. */
  readonly batch: number;
}
