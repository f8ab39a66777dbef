/** MGI's two encoders as the batch passes them: slices, and expression profiles. */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { GeneAlignmentSizes } from '../../tensors/layouts/gene-alignment.ts';
import { encodeGenes } from '../encoders/mamba/mamba-gene-encoder.ts';
import { patches } from '../encoders/patches.ts';
import { vitEmbedding } from '../encoders/vit.ts';
import type { Engine } from '../engine/open-engine.ts';
import { rowProducts } from '../ops/row-products.ts';
import type { Tower } from '../optimisers/towers-gradient.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';
import { parametersUnder } from '../parameters-under.ts';
import type { GeneBatch } from './gene-batch.ts';
import { rowsIn } from './rows-in.ts';

interface Model {
  readonly parameters: ParameterTensors;
  readonly sizes: GeneAlignmentSizes;
  /** How many slices or profiles pass at once. */
  readonly rowsAtOnce: number;
}

/** A row for each slice, [slices, embedding width]. */
export function sliceTower(engine: Engine, batch: GeneBatch, { parameters, sizes, rowsAtOnce }: Model): Tower {
  const { image, imageSizePixels, inputChannels } = sizes;
  const rows = batch.slices;
  return {
    rows,
    rowsAtOnce,
    encode: (range) => {
      const shape = [range.count, inputChannels, imageSizePixels, imageSizePixels] as [number, number, number, number];
      const images = engine.tf.tensor4d(rowsIn(batch.images, { range, rows }), shape);
      const embedding = vitEmbedding(engine, patches(engine, images, image), {
        ...image,
        images: range.count,
        parameters: parametersUnder(parameters, 'image_encoder'),
      });
      return { rows: rowProducts(engine, [embedding, parameter<Tensor2D>(parameters, 'image_proj.weight')]) };
    },
  };
}

/** A row for each patient, [patients, embedding width]. */
export function profileTower(engine: Engine, batch: GeneBatch, { parameters, sizes, rowsAtOnce }: Model): Tower {
  const { profiles, measured, patients: rows } = batch;
  return {
    rows,
    rowsAtOnce,
    encode: (range) => {
      const values: Tensor2D = engine.tf.tensor2d(rowsIn(profiles, { range, rows }), [range.count, sizes.genes.genes]);
      const { embedding } = encodeGenes(engine, values, {
        parameters: parametersUnder(parameters, 'gene_encoder'),
        ...(measured === null ? {} : { present: rowsIn(measured, { range, rows }) }),
      });
      return { rows: embedding };
    },
  };
}
