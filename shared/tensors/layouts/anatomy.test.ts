import { describe, expect, test } from 'vitest';
import { initialise } from '../initialise.ts';
import { tensorView } from '../layout.ts';
import { anatomyLayout, FVLM } from './anatomy.ts';

describe('anatomyLayout()', () => {
  const layout = anatomyLayout({ ...FVLM, organs: 4, group: 'anatomy' });
  const shapes = layout.tensors.map(({ name, shape }) => `${name} [${shape.join(',')}]`);

  test('lists fVLM’s tensors at its published sizes', () => {
    const block = (i: number) =>
      [
        'norm1.weight [768]',
        'norm1.bias [768]',
        'attn.qkv.weight [2304,768]',
        'attn.qkv.bias [2304]',
        'attn.out_proj.weight [768,768]',
        'attn.out_proj.bias [768]',
        'norm2.weight [768]',
        'norm2.bias [768]',
        'mlp.linear1.weight [3072,768]',
        'mlp.linear1.bias [3072]',
        'mlp.linear2.weight [768,3072]',
        'mlp.linear2.bias [768]',
      ].map((line) => `visual_encoder.blocks.${i}.${line}`);
    expect(shapes).toEqual([
      'visual_encoder.patch_embedding.patch_embeddings.weight [768,1,16,16,32]',
      'visual_encoder.patch_embedding.patch_embeddings.bias [768]',
      'visual_encoder.patch_embedding.position_embeddings [1,1232,768]',
      ...Array.from({ length: 12 }, (_, i) => block(i)).flat(),
      'visual_encoder.norm.weight [768]',
      'visual_encoder.norm.bias [768]',
      'query_tokens [4,768]',
      'attention.in_proj_weight [2304,768]',
      'attention.in_proj_bias [2304]',
      'attention.out_proj.weight [768,768]',
      'attention.out_proj.bias [768]',
      ...[0, 1, 2, 3].flatMap((k) => [`vision_projs.${k}.weight [256,768]`, `vision_projs.${k}.bias [256]`]),
    ]);
  });

  test('starts with zero queries and the bounds of PyTorch’s attention', () => {
    const small = anatomyLayout({
      volumeVoxels: [4, 4, 6],
      patchVoxels: [2, 4, 3],
      width: 24,
      depth: 1,
      mlpWidth: 48,
      organs: 2,
      embeddingWidth: 5,
      group: 'anatomy',
    });
    const values = initialise(small, 1);
    const largest = (name: string) => Math.max(...tensorView(small, values, name).map(Math.abs));
    expect(largest('query_tokens')).toBe(0);
    expect(largest('attention.in_proj_weight')).toBeLessThanOrEqual(0.25);
    expect(largest('attention.in_proj_weight')).toBeGreaterThan(0.24);
    expect(largest('attention.out_proj.weight')).toBeLessThanOrEqual(1 / Math.sqrt(24));
    expect(largest('visual_encoder.blocks.0.attn.qkv.weight')).toBeLessThanOrEqual(Math.fround(0.04));
  });

  test('refuses a volume that patches do not fill', () => {
    expect(() => anatomyLayout({ ...FVLM, volumeVoxels: [112, 256, 350], organs: 4, group: 'anatomy' })).toThrow(
      'whole patches of 16 x 16 x 32 voxels, found 112 x 256 x 350',
    );
  });
});
