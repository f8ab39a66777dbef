import { createLayout, filterLayout, type ParameterLayout } from '../layout.ts';
import { anatomyLayout } from './anatomy.ts';
import { type BertSizes, bertLayout } from './bert.ts';
import { linear } from './linear.ts';

export interface AnatomyPretrainingSizes {
  /** Depth, height, width. */
  readonly volumeVoxels: readonly [number, number, number];
  readonly patchVoxels: readonly [number, number, number];
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly mlpWidth: number;
  /** Organs attend to the tokens after these blocks, counted from 0, and after the final normalisation. */
  readonly taps: readonly number[];
  readonly organHeads: number;
  readonly organs: number;
  readonly embeddingWidth: number;
  readonly text: BertSizes;
}

/** Before the names of the text encoder. */
export const FVLM_TEXT_PREFIX = 'text_encoder';

/** fVLM's tensors (Shui et al. 2025, arXiv 2501.14548) under its names: image side, text encoder, projection, temperature. */
export function anatomyPretrainingLayout({ text, ...sizes }: AnatomyPretrainingSizes): ParameterLayout {
  const group = 'report';
  return createLayout([
    ...anatomyLayout({ ...sizes, group: 'volume' }).tensors,
    ...bertLayout({ ...text, pooler: false, prefix: FVLM_TEXT_PREFIX, group }).tensors,
    ...linear('text_proj', { inputWidth: text.width, outputWidth: sizes.embeddingWidth, group }),
    { name: 'temp', shape: [], initialiser: { kind: 'constant', value: 0.07 }, group },
  ]);
}

/** The text side of it, which a momentum encoder follows: consecutive tensors. */
export function anatomyTextLayout(sizes: AnatomyPretrainingSizes): ParameterLayout {
  return filterLayout(anatomyPretrainingLayout(sizes), ({ name }) => name.startsWith('text_'));
}
