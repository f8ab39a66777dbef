/** fVLM's two encoders as the batch passes them: volumes with their organs, and texts. */
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { type AnatomyPretrainingSizes, FVLM_TEXT_PREFIX } from '../../tensors/layouts/anatomy-pretraining.ts';
import { organEmbeddings } from '../encoders/anatomy/organ-embeddings.ts';
import { volumePatches } from '../encoders/anatomy/volume-patches.ts';
import { volumeVit } from '../encoders/anatomy/volume-vit.ts';
import { bertClassTokens } from '../encoders/bert.ts';
import { projectedText } from '../encoders/text-embedding.ts';
import type { Engine } from '../engine/open-engine.ts';
import { selectRows } from '../ops/select-rows.ts';
import type { Tower } from '../optimisers/towers-gradient.ts';
import type { ParameterTensors } from '../parameters.ts';
import { textsIn } from '../text/texts-in.ts';
import type { AnatomyBatch } from './anatomy-batch.ts';
import { rowsIn } from './rows-in.ts';

interface Model {
  readonly parameters: ParameterTensors;
  readonly sizes: AnatomyPretrainingSizes;
  /** How many volumes or texts pass at once. */
  readonly rowsAtOnce: number;
}

/** A row for each volume, [samples, organs * embedding width]. */
export function volumeTower(engine: Engine, batch: AnatomyBatch, { parameters, sizes, rowsAtOnce }: Model): Tower {
  const { tf } = engine;
  const { samples, flags } = batch;
  return {
    rows: samples,
    rowsAtOnce,
    encode: (range) => {
      const { count } = range;
      const part = (values: Float32Array) => rowsIn(values, { range, rows: samples });
      const volumes = tf.tensor4d(part(batch.volumes), [count, ...sizes.volumeVoxels]);
      const patches = volumePatches(engine, volumes, sizes.patchVoxels);
      const { levels } = volumeVit(engine, patches, { ...sizes, volumes: count, parameters });
      const embedded = organEmbeddings(engine, levels, {
        parameters,
        heads: sizes.organHeads,
        flags: tf.tensor3d(part(flags), [count, sizes.organs, flags.length / samples / sizes.organs]),
      });
      return { rows: tf.reshape(embedded, [count, sizes.organs * sizes.embeddingWidth]) as Tensor2D };
    },
  };
}

/** A row for each different text, [texts, embedding width]. */
export function textTower(engine: Engine, { texts }: AnatomyBatch, { parameters, sizes, rowsAtOnce }: Model): Tower {
  const bert = { parameters, prefix: FVLM_TEXT_PREFIX, ...sizes.text };
  return {
    rows: texts.count,
    rowsAtOnce,
    encode: (range) => ({
      rows: projectedText(engine, bertClassTokens(engine, textsIn(texts, range), bert), { parameters }),
    }),
  };
}

/** [texts, embedding width] -> [samples, organs, embedding width]; any text stands for one that is not there. */
export function textsOfOrgans(engine: Engine, texts: Tensor2D, { samples, textOf }: AnatomyBatch): Tensor3D {
  const rows = selectRows(engine, texts, { indices: textOf.map((text) => Math.max(text, 0)) });
  return engine.tf.reshape(rows, [samples, textOf.length / samples, texts.shape[1]]);
}
