/** MaCo's two encoders as the batch passes them: images with what their removed patches cost, and reports. */
import type { Scalar, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { MACO_TEXT_PREFIX, type ReportPretrainingSizes } from '../../tensors/layouts/report-pretraining.ts';
import { bertClassTokens } from '../encoders/bert.ts';
import { macoImageEmbedding } from '../encoders/maco-image.ts';
import { maskedDecoding, maskedEncoding } from '../encoders/masked-autoencoder.ts';
import { maskIn, type PatchMask, visibility } from '../encoders/patch-mask.ts';
import { patches } from '../encoders/patches.ts';
import { pooledText } from '../encoders/text-embedding.ts';
import type { Engine } from '../engine/open-engine.ts';
import { macoLoss } from '../objectives/maco.ts';
import { maskedReconstruction } from '../objectives/masked-reconstruction.ts';
import { reconstructionTarget } from '../objectives/reconstruction-target.ts';
import type { EncodedRows, RowRange } from '../optimisers/towers-gradient.ts';
import type { ParameterTensors } from '../parameters.ts';
import { textsIn } from '../text/texts-in.ts';
import type { ReportBatch } from './report-batch.ts';
import { rowsIn } from './rows-in.ts';

export interface ReportModel {
  /** The layout's tensors and the fixed positions. */
  readonly parameters: ParameterTensors;
  readonly sizes: ReportPretrainingSizes;
}

export interface ImageLoss {
  /** Whether predicted patches are brought to mean 0 and variance 1 first. */
  readonly normalisedTargets: boolean;
  /** As `macoLoss` takes it. */
  readonly reconstructionShare: number | null;
}

/** Images to [count, text width]; what they lose by themselves is their share in the mean over all removed patches. */
export function encodeImages(
  engine: Engine,
  { batch, mask, range }: { readonly batch: ReportBatch; readonly mask: PatchMask; readonly range: RowRange },
  { parameters, sizes, normalisedTargets, reconstructionShare }: ReportModel & ImageLoss,
): EncodedRows {
  const { tf } = engine;
  const { encoder, decoder, imageSizePixels, predictionScale } = sizes;
  const { patchSizePixels } = encoder;
  const ofPart = maskIn(mask, range);
  const images = imagesIn(engine, batch.images, { range, batch, sizePixels: imageSizePixels });
  const latent = maskedEncoding(engine, patches(engine, images, { patchSizePixels }), {
    mask: ofPart,
    parameters,
    depth: encoder.depth,
    heads: encoder.heads,
  });
  return {
    rows: macoImageEmbedding(engine, latent, { parameters, images: range.count }),
    ownLoss: () => {
      const { depth, heads } = decoder;
      const predicted = maskedDecoding(engine, latent, { mask: ofPart, parameters, depth, heads });
      const sizePixels = predictionScale * imageSizePixels;
      const large = imagesIn(engine, batch.largeImages ?? batch.images, { range, batch, sizePixels });
      const target = reconstructionTarget(engine, large, {
        patchSizePixels: predictionScale * patchSizePixels,
        normalised: normalisedTargets,
      });
      const visible: Tensor2D = tf.tensor2d(visibility(ofPart), [range.count, ofPart.patchesPerImage]);
      // Every image has as many removed patches, so the mean over the batch is that of the parts' means.
      const share = range.count / batch.samples;
      const reconstruction: Scalar = tf.mul(maskedReconstruction(engine, { predicted, target }, { visible }), share);
      // The whole loss is linear in this and in the contrast, which is added where all rows are known.
      return macoLoss(engine, { reconstruction, contrast: tf.scalar(0) }, { reconstructionShare });
    },
  };
}

/** Reports to [count, text width]. */
export function encodeReports(
  engine: Engine,
  { batch, range }: { readonly batch: ReportBatch; readonly range: RowRange },
  { parameters, sizes }: ReportModel,
): EncodedRows {
  const bert = { parameters, prefix: MACO_TEXT_PREFIX, ...sizes.text };
  return { rows: pooledText(engine, bertClassTokens(engine, textsIn(batch.texts, range), bert), bert) };
}

function imagesIn(
  { tf }: Engine,
  values: Float32Array,
  { range, batch, sizePixels }: { readonly range: RowRange; readonly batch: ReportBatch; readonly sizePixels: number },
): Tensor4D {
  const part = rowsIn(values, { range, rows: batch.samples });
  return tf.tensor4d(part, [range.count, part.length / range.count / sizePixels ** 2, sizePixels, sizePixels]);
}
