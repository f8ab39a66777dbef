import { setImmediate } from 'node:timers/promises';
import { type VitArchitecture, vitLayout, vitSizes } from '../../tensors/layouts/vit.ts';
import { sliceEmbedding } from '../encoders/slice-encoder.ts';
import type { Engine } from '../engine/open-engine.ts';
import { disposeParameters, loadParameters } from '../parameters.ts';
import { imagesAtOnce } from './images-at-once.ts';

/**
 * The embeddings of slices under a trained slice encoder: the class token after the final normalisation, [count, width].
 *
 * @param options.parameters the flat vector of slice pretraining; what follows the encoder (the head) is not used.
 * @param options.images [count, size, size] with pixels 0..1.
 * @param options.batch slices at once; the most that fit comfortably unless given.
 * @param options.onProgress told how many slices are done after each batch.
 * @throws {TypeError} when the images or the parameters do not fit the image size.
 * @throws the signal's reason when it is aborted; no tensor stays behind.
 */
export async function embedSlices(
  engine: Engine,
  options: {
    readonly architecture: VitArchitecture;
    readonly imageSizePixels: number;
    readonly parameters: Float32Array;
    readonly images: Float32Array;
    readonly count: number;
    readonly batch?: number;
    readonly onProgress?: (done: number) => void;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Float32Array> {
  const { architecture, imageSizePixels, images, count, onProgress, signal } = options;
  const { tf } = engine;
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
  const batch = Math.min(options.batch ?? Number.POSITIVE_INFINITY, imagesAtOnce({ architecture, imageSizePixels }));
  const { width } = vitSizes(architecture);
  const embeddings = new Float32Array(count * width);
  const parameters = loadParameters(engine, layout, options.parameters.subarray(0, layout.size));
  try {
    for (let first = 0; first < count; first += batch) {
      const last = Math.min(first + batch, count);
      const embedded = tf.tidy(() => {
        const part = tf.tensor3d(images.slice(first * pixels, last * pixels), [
          last - first,
          imageSizePixels,
          imageSizePixels,
        ]);
        return sliceEmbedding(engine, part, { architecture, parameters });
      });
      embeddings.set(await embedded.data<'float32'>(), first * width);
      embedded.dispose();
      onProgress?.(last);
      // Lets messages arrive, among them the one that aborts.
      await setImmediate();
      signal?.throwIfAborted();
    }
  } finally {
    disposeParameters(parameters);
  }
  return embeddings;
}
