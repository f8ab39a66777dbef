import { createLayout, type ParameterLayout } from '../layout.ts';
import { type BertSizes, bertLayout } from './bert.ts';
import { type DecoderSizes, macoImageLayout } from './masked-autoencoder.ts';
import type { VitSizes } from './vit.ts';

export interface ReportPretrainingSizes {
  readonly encoder: VitSizes;
  readonly decoder: DecoderSizes;
  /** The side of what the encoder sees. */
  readonly imageSizePixels: number;
  readonly inputChannels: number;
  /** How many times as large the predicted images are: MaCo predicts images of twice the encoder's size. */
  readonly predictionScale: number;
  /** Images are mapped to the text encoder's width, where both are contrasted. */
  readonly text: BertSizes;
}

/** Before the names of the text encoder. */
export const MACO_TEXT_PREFIX = 'bert_encoder.model';

/** MaCo's tensors (Huang et al. 2024, arXiv 2309.05904) under its names: image branch, then the text encoder with its pooler. */
export function reportPretrainingLayout(sizes: ReportPretrainingSizes): ParameterLayout {
  const { encoder, inputChannels, predictionScale, text } = sizes;
  const image = macoImageLayout({
    encoder,
    decoder: sizes.decoder,
    inputChannels,
    predictedPatchSizePixels: predictionScale * encoder.patchSizePixels,
    sharedWidth: text.width,
    patchesPerImage: reportPretrainingGrid(sizes) ** 2,
    group: 'image',
  });
  const report = bertLayout({ ...text, pooler: true, prefix: MACO_TEXT_PREFIX, group: 'report' });
  return createLayout([...image.tensors, ...report.tensors]);
}

/**
 * How many patches an image has in a row and in a column.
 *
 * @throws {RangeError} when patches do not fill the image.
 */
export function reportPretrainingGrid({
  encoder,
  imageSizePixels,
}: Pick<ReportPretrainingSizes, 'encoder' | 'imageSizePixels'>): number {
  const side = imageSizePixels / encoder.patchSizePixels;
  if (!Number.isInteger(side)) {
    throw new RangeError(
      `Cannot lay out the encoder: the image size must be a multiple of ${encoder.patchSizePixels} pixels, found ${imageSizePixels}`,
    );
  }
  return side;
}
