import type { ReportPretrainingSizes } from '../../tensors/layouts/report-pretraining.ts';
import type { EncodedTexts } from '../text/encode-texts.ts';
import { requireShape } from './require-shape.ts';
import { requireTexts } from './require-texts.ts';

/** Images and their reports, one of each for a sample, two samples or more. */
export interface ReportBatch {
  readonly samples: number;
  /** [samples, channels, size, size], normalised as the encoder is to see them. */
  readonly images: Float32Array;
  /** What is to be predicted, [samples, channels, scale * size, scale * size]; null where the scale is 1. */
  readonly largeImages: Float32Array | null;
  readonly texts: EncodedTexts;
}

/**
 * @throws {TypeError} when an array does not fit the batch.
 * @throws {RangeError} when there are too few samples, or texts are too long.
 */
export function requireReportBatch(batch: ReportBatch, sizes: ReportPretrainingSizes): void {
  const { samples, images, largeImages, texts } = batch;
  const { inputChannels, imageSizePixels, predictionScale, text } = sizes;
  if (!Number.isInteger(samples) || samples < 2) {
    throw new RangeError(`Cannot use the batch: at least two samples are needed to contrast, found ${samples}`);
  }
  requireShape('images', images, [samples, inputChannels, imageSizePixels, imageSizePixels]);
  const largePixels = predictionScale * imageSizePixels;
  if (largeImages !== null) {
    requireShape('largeImages', largeImages, [samples, inputChannels, largePixels, largePixels]);
  } else if (predictionScale !== 1) {
    throw new TypeError(
      `Cannot use the batch: largeImages of ${largePixels} pixels a side are to be predicted, found none`,
    );
  }
  requireTexts(texts, { ...text, count: samples });
}
