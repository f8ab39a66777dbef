import type { AnatomyPretrainingSizes } from '../../tensors/layouts/anatomy-pretraining.ts';
import type { AnatomyLabels } from '../objectives/anatomy-pairs.ts';
import type { EncodedTexts } from '../text/encode-texts.ts';
import { requireShape } from './require-shape.ts';
import { requireTexts } from './require-texts.ts';

/** CT volumes and what their reports say of each organ, two samples or more. */
export interface AnatomyBatch {
  readonly samples: number;
  /** [samples, depth, height, width] with values 0..1. */
  readonly volumes: Float32Array;
  /** [samples, organs, tokens] as `organFlags` gives them; zeros for an organ that the volume lacks. */
  readonly flags: Float32Array;
  /** The different texts of the batch, each once: most normal organs share one. */
  readonly texts: EncodedTexts;
  /** Which of the texts tells of the sample's organ, [samples, organs]; -1 where the report does not, which counts as absent. */
  readonly textOf: Int32Array;
  /** Whether the report finds nothing there, [samples, organs]. */
  readonly normal: readonly boolean[];
}

/**
 * @throws {TypeError} when an array does not fit the batch.
 * @throws {RangeError} when there are too few samples, texts do not fit the encoder, or an organ has a text that is not given.
 */
export function requireAnatomyBatch(batch: AnatomyBatch, sizes: AnatomyPretrainingSizes): void {
  const { samples, volumes, flags, texts, textOf, normal } = batch;
  const { organs, volumeVoxels, text } = sizes;
  if (!Number.isInteger(samples) || samples < 2) {
    throw new RangeError(`Cannot use the batch: at least two samples are needed to contrast, found ${samples}`);
  }
  requireShape('volumes', volumes, [samples, ...volumeVoxels]);
  requireShape('flags', flags, [samples, organs, tokensOfVolume(sizes)]);
  requireShape('textOf', textOf, [samples, organs]);
  requireShape('normal', normal, [samples, organs]);
  requireTexts(texts, { ...text, count: texts.count });
  if (texts.count < 1) throw new RangeError('Cannot use the batch: at least one text is needed, found none');
  if (textOf.some((place) => place < -1 || place >= texts.count)) {
    throw new RangeError(`Cannot use the batch: textOf must be from -1 to ${texts.count - 1}, found one that is not`);
  }
}

/** What the contrast is to know of each sample's organs. */
export function anatomyLabels({ samples, flags, textOf, normal }: AnatomyBatch): AnatomyLabels {
  const tokens = flags.length / textOf.length;
  const present = Array.from(textOf, (text, place) => {
    return text >= 0 && flags.subarray(place * tokens, (place + 1) * tokens).some((flag) => flag !== 0);
  });
  return { samples, anatomies: textOf.length / samples, present, normal, textIds: textOf };
}

function tokensOfVolume({ volumeVoxels, patchVoxels }: AnatomyPretrainingSizes): number {
  return volumeVoxels.reduce((tokens, voxels, axis) => tokens * (voxels / patchVoxels[axis]!), 1);
}
