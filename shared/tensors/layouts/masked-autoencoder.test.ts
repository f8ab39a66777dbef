import { describe, expect, test } from 'vitest';
import { initialise } from '../initialise.ts';
import { type ParameterLayout, tensorView } from '../layout.ts';
import { MACO_DECODER, MAE_DECODER, macoImageLayout, maskedAutoencoderLayout } from './masked-autoencoder.ts';
import { vitLayout, vitSizes } from './vit.ts';

const encoder = vitSizes('vit_base_patch16');
const shapes = (layout: ParameterLayout) => layout.tensors.map(({ name, shape }) => `${name} [${shape.join(',')}]`);

describe('maskedAutoencoderLayout()', () => {
  const layout = maskedAutoencoderLayout({
    encoder,
    decoder: MAE_DECODER,
    inputChannels: 3,
    predictedPatchSizePixels: 16,
    group: 'image',
  });

  test('has the encoder’s tensors under timm’s names, but for the positions', () => {
    const vit = vitLayout({ sizes: encoder, imageSizePixels: 224, inputChannels: 3, group: 'image' });
    const listed = new Set(shapes(layout));
    expect(shapes(vit).filter((line) => !listed.has(line))).toEqual(['pos_embed [1,197,768]']);
  });

  test('has the published number of parameters', () => {
    // The reference's mae_vit_base_patch16 has 111,907,840, of which 197 * (768 + 512) are its fixed positions.
    expect(layout.size).toBe(111_907_840 - 197 * (768 + 512));
  });

  test('starts within Glorot’s bound', () => {
    const values = tensorView(layout, initialise(layout, 1), 'decoder_pred.weight');
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const bound = Math.sqrt(6 / (512 + 768));
    expect(largest).toBeLessThanOrEqual(Math.fround(bound));
    expect(largest).toBeGreaterThan(0.99 * bound);
  });
});

test('macoImageLayout() has the reference’s tensors, its decoder predicting patches of twice the size', () => {
  const layout = macoImageLayout({
    encoder,
    decoder: MACO_DECODER,
    inputChannels: 3,
    predictedPatchSizePixels: 32,
    sharedWidth: 768,
    patchesPerImage: 196,
    group: 'image',
  });
  const ofBlocks = /^(decoder_)?blocks\./;
  expect(shapes(layout).filter((line) => !ofBlocks.test(line))).toEqual([
    'cls_token [1,1,768]',
    'mask_token [1,1,768]',
    'patch_embed.proj.weight [768,3,16,16]',
    'patch_embed.proj.bias [768]',
    'norm.weight [768]',
    'norm.bias [768]',
    'decoder_embed.weight [768,768]',
    'decoder_embed.bias [768]',
    'decoder_norm.weight [768]',
    'decoder_norm.bias [768]',
    'decoder_pred.weight [3072,768]',
    'decoder_pred.bias [3072]',
    'img_mlp.weight [768,768]',
    'img_mlp.bias [768]',
    'pos_weight_img.weight [1,196]',
    'pos_weight_img.bias [1]',
    'Tpar []',
  ]);
  expect(shapes(layout).filter((line) => ofBlocks.test(line))).toHaveLength(12 * (12 + 4));
});
