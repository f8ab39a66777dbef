import { vitLayout, vitSizes } from '../../tensors/layouts/vit.ts';
import { sliceEmbedding } from '../encoders/slice-encoder.ts';
import type { Engine } from '../engine/open-engine.ts';
import { disposeParameters, loadParameters } from '../parameters.ts';
import type { SliceEmbedder, SliceEmbedderOptions } from './slice-embedder.ts';

/** Embeds on the engine itself, in this thread. */
export function createSliceEmbedderAlone(engine: Engine, options: SliceEmbedderOptions): SliceEmbedder {
  const { architecture, imageSizePixels, batch } = options;
  const { tf } = engine;
  const layout = vitLayout({ sizes: vitSizes(architecture), imageSizePixels, inputChannels: 1, group: 'slice' });
  const parameters = loadParameters(engine, layout, options.parameters);
  return {
    slicesAtOnce: batch,
    async embed(images) {
      const embedded = tf.tidy(() => {
        const slices = tf.tensor3d(images, [images.length / imageSizePixels ** 2, imageSizePixels, imageSizePixels]);
        return sliceEmbedding(engine, slices, { architecture, parameters });
      });
      const embeddings = Float32Array.from(await embedded.data<'float32'>());
      embedded.dispose();
      return embeddings;
    },
    dispose: () => disposeParameters(parameters),
  };
}
