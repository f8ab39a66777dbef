import { expect, test } from 'vitest';
import { initialise } from '../initialise.ts';
import { tensorView } from '../layout.ts';
import { geneAlignmentLayout } from './gene-alignment.ts';
import { MAMBA_GENE_ENCODER, mambaGeneEncoderLayout } from './mamba-gene-encoder.ts';
import { vitLayout, vitSizes } from './vit.ts';

test('geneAlignmentLayout() has both encoders under prefixes, a projection of images and CLIP’s scale', () => {
  const image = vitSizes('vit_tiny_patch16');
  const genes = { ...MAMBA_GENE_ENCODER, genes: 45 };
  const layout = geneAlignmentLayout({ image, imageSizePixels: 32, inputChannels: 3, genes });
  const ofImages = vitLayout({ sizes: image, imageSizePixels: 32, inputChannels: 3, group: 'slice' });
  const ofGenes = mambaGeneEncoderLayout({ ...genes, group: 'genes' });
  expect(layout.tensors.map(({ name }) => name)).toEqual([
    ...ofImages.tensors.map(({ name }) => `image_encoder.${name}`),
    'image_proj.weight',
    ...ofGenes.tensors.map(({ name }) => `gene_encoder.${name}`),
    'logit_scale',
  ]);
  expect(layout.size).toBe(ofImages.size + 256 * 192 + ofGenes.size + 1);
  expect(tensorView(layout, initialise(layout, 1), 'logit_scale')[0]).toBeCloseTo(Math.log(1 / 0.07), 6);
});
