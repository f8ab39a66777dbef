/**
 * MGI's tensors (arXiv 2406.00631): a vision transformer, a Mamba over genes, and what joins them. MGI published no names;
 * each encoder keeps its own under a prefix, so that it loads by itself.
 */
import { createLayout, type ParameterLayout } from '../layout.ts';
import { type MambaGeneEncoderSizes, mambaGeneEncoderLayout } from './mamba-gene-encoder.ts';
import { tensorsUnder } from './tensors-under.ts';
import { type VitSizes, vitLayout } from './vit.ts';

export interface GeneAlignmentSizes {
  readonly image: VitSizes;
  readonly imageSizePixels: number;
  readonly inputChannels: number;
  /** Its embedding width is that of both encoders. */
  readonly genes: MambaGeneEncoderSizes;
}

/** CLIP's start: a temperature of 0.07. */
const startingScale = 2.6592600369327779;

/** The image encoder and its projection, the gene encoder with its own, and the logarithm of what cosines are multiplied by. */
export function geneAlignmentLayout(sizes: GeneAlignmentSizes): ParameterLayout {
  const { image, imageSizePixels, inputChannels, genes } = sizes;
  const ofImages = vitLayout({ sizes: image, imageSizePixels, inputChannels, group: 'slice' });
  const ofGenes = mambaGeneEncoderLayout({ ...genes, group: 'genes' });
  return createLayout([
    ...tensorsUnder('image_encoder', ofImages),
    {
      name: 'image_proj.weight',
      shape: [genes.embeddingWidth, image.width],
      initialiser: { kind: 'uniform', bound: 1 / Math.sqrt(image.width) },
      group: 'slice',
    },
    ...tensorsUnder('gene_encoder', ofGenes),
    { name: 'logit_scale', shape: [], initialiser: { kind: 'constant', value: startingScale }, group: 'slice' },
  ]);
}
