import { setImmediate } from 'node:timers/promises';
import { type VitArchitecture, vitLayout, vitSizes } from '../../tensors/layouts/vit.ts';
import type { Engine } from '../engine/open-engine.ts';
import { threadsFor } from '../parallel/threads-for.ts';
import { imagesAtOnce, tokensOf } from './images-at-once.ts';
import type { SliceEmbedder } from './slice-embedder.ts';
import { createSliceEmbedderAlone } from './slice-embedder-alone.ts';
import { createSliceEmbedderTeam } from './slice-embedder-team.ts';

interface EmbedSlicesOptions {
  readonly architecture: VitArchitecture;
  readonly imageSizePixels: number;
  readonly parameters: Float32Array;
  readonly images: Float32Array;
  readonly count: number;
  readonly batch?: number;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal | undefined;
  readonly threads?: number | undefined;
}

/** A thread embeds this many in the time that it takes to start. */
const tokensWorthAThread = 2048;

/**
 * The embeddings of slices under a trained slice encoder: the class token after the final normalisation, [count, width].
 *
 * @param options.parameters the flat vector of slice pretraining; what follows the encoder (the head) is not used.
 * @param options.images [count, size, size] with pixels 0..1.
 * @param options.batch slices at once in a thread; the most that fit comfortably unless given.
 * @param options.threads threads to embed in; as many as the engine allows and the work is worth unless given.
 * @param options.onProgress told how many slices are done after each batch.
 * @throws {TypeError} when the images or the parameters do not fit the image size.
 * @throws the signal's reason when it is aborted; no tensor stays behind.
 */
export async function embedSlices(engine: Engine, options: EmbedSlicesOptions): Promise<Float32Array> {
  const { architecture, imageSizePixels, images, count, onProgress, signal } = options;
  const pixels = imageSizePixels ** 2;
  if (images.length !== count * pixels) {
    throw new TypeError(
      `Cannot embed ${count} slices of ${imageSizePixels} x ${imageSizePixels} pixels: ${count * pixels} numbers are needed, found ${images.length}`,
    );
  }
  const layout = vitLayout({ sizes: vitSizes(architecture), imageSizePixels, inputChannels: 1, group: 'slice' });
  if (options.parameters.length < layout.size) {
    throw new TypeError(
      `Cannot embed slices: the encoder has ${layout.size} parameters at ${imageSizePixels} pixels, found ${options.parameters.length}`,
    );
  }
  signal?.throwIfAborted();
  const { width } = vitSizes(architecture);
  const embeddings = new Float32Array(count * width);
  const embedder = openEmbedder(engine, { ...options, parameters: options.parameters.subarray(0, layout.size) });
  try {
    for (let first = 0; first < count; first += embedder.slicesAtOnce) {
      const last = Math.min(first + embedder.slicesAtOnce, count);
      const part = await embedder.embed(images.slice(first * pixels, last * pixels), { signal });
      embeddings.set(part, first * width);
      onProgress?.(last);
      // Lets messages arrive, among them the one that aborts.
      await setImmediate();
      signal?.throwIfAborted();
    }
  } finally {
    embedder.dispose();
  }
  return embeddings;
}

function openEmbedder(engine: Engine, options: EmbedSlicesOptions): SliceEmbedder {
  const { architecture, imageSizePixels, parameters, count } = options;
  const tokens = count * tokensOf(options);
  const threads = options.threads ?? threadsFor(engine, { tokens, tokensWorthAThread });
  const batch = Math.min(options.batch ?? Math.ceil(count / threads), imagesAtOnce(options));
  const encoder = { architecture, imageSizePixels, parameters, batch };
  return threads === 1
    ? createSliceEmbedderAlone(engine, encoder)
    : createSliceEmbedderTeam(engine, { ...encoder, threads });
}
