import { describe, expect, test } from 'vitest';
import { testAgainstReference } from '../../test/reference-layouts.ts';
import { initialise } from '../initialise.ts';
import { type ParameterLayout, tensorView } from '../layout.ts';
import { clinicalLocalLayout, clinicalSharedLayout } from './clinical.ts';
import { expressionLocalLayout, expressionSharedLayout } from './expression.ts';
import { gatedAttentionLayout } from './gated-attention.ts';
import { projectionHeadLayout } from './projection-head.ts';
import { vitLayout, vitSizes } from './vit.ts';

const shapes = (layout: ParameterLayout) => layout.tensors.map(({ name, shape }) => `${name} [${shape.join(',')}]`);

describe('vitLayout()', () => {
  const layout = (imageSizePixels: number, inputChannels: number) =>
    vitLayout({ sizes: vitSizes('vit_tiny_patch16'), imageSizePixels, inputChannels, group: 'slice' });

  test('lists timm’s 150 tensors in timm’s order', () => {
    const block = (i: number) => [
      `blocks.${i}.norm1.weight [192]`,
      `blocks.${i}.norm1.bias [192]`,
      `blocks.${i}.attn.qkv.weight [576,192]`,
      `blocks.${i}.attn.qkv.bias [576]`,
      `blocks.${i}.attn.proj.weight [192,192]`,
      `blocks.${i}.attn.proj.bias [192]`,
      `blocks.${i}.norm2.weight [192]`,
      `blocks.${i}.norm2.bias [192]`,
      `blocks.${i}.mlp.fc1.weight [768,192]`,
      `blocks.${i}.mlp.fc1.bias [768]`,
      `blocks.${i}.mlp.fc2.weight [192,768]`,
      `blocks.${i}.mlp.fc2.bias [192]`,
    ];
    expect(shapes(layout(224, 1))).toEqual([
      'cls_token [1,1,192]',
      'pos_embed [1,197,192]',
      'patch_embed.proj.weight [192,1,16,16]',
      'patch_embed.proj.bias [192]',
      ...Array.from({ length: 12 }, (_, i) => block(i)).flat(),
      'norm.weight [192]',
      'norm.bias [192]',
    ]);
    expect(layout(224, 1).tensors).toHaveLength(150);
    expect(layout(224, 1).groups).toEqual(['slice']);
  });

  test('has timm’s number of parameters', () => {
    // vit_tiny_patch16_224 without its head has 5,524,416 parameters with three input channels.
    expect(layout(224, 3).size).toBe(5_524_416);
  });

  for (const [architecture, model] of [
    ['vit_small_patch16', 'vit_small_patch16_224 num_classes=0'],
    ['vit_base_patch16', 'vit_base_patch16_224 num_classes=0'],
  ] as const) {
    testAgainstReference(model, () =>
      vitLayout({ sizes: vitSizes(architecture), imageSizePixels: 224, inputChannels: 3, group: 'slice' }),
    );
  }

  test('changes only the positions with the image size', () => {
    const differing = shapes(layout(64, 1)).filter((line) => !shapes(layout(224, 1)).includes(line));
    expect(differing).toEqual(['pos_embed [1,17,192]']);
  });

  test('starts with unit layer norms, zero biases and small weights', () => {
    const vit = layout(32, 1);
    const values = initialise(vit, 1);
    const tensor = (name: string) => tensorView(vit, values, name);
    expect(tensor('blocks.3.norm1.weight').every((value) => value === 1)).toBe(true);
    expect(tensor('blocks.3.attn.qkv.bias').every((value) => value === 0)).toBe(true);
    expect(Math.max(...tensor('blocks.3.attn.proj.weight').map(Math.abs))).toBeLessThanOrEqual(Math.fround(0.04));
    expect(Math.max(...tensor('cls_token').map(Math.abs))).toBeLessThan(1e-5);
    const convolution = Math.max(...tensor('patch_embed.proj.weight').map(Math.abs));
    expect(convolution).toBeLessThanOrEqual(1 / 16);
    expect(convolution).toBeGreaterThan(0.9 / 16);
  });

  test('refuses an image size that patches do not fill', () => {
    expect(() => layout(100, 1)).toThrow('multiple of 16 pixels, found 100');
  });
});

test('projectionHeadLayout() is two linear layers', () => {
  expect(shapes(projectionHeadLayout({ inputWidth: 192, outputWidth: 64, group: 'slice' }))).toEqual([
    'head.0.weight [192,192]',
    'head.0.bias [192]',
    'head.2.weight [64,192]',
    'head.2.bias [64]',
  ]);
});

test('gatedAttentionLayout() has MEDFORM’s tensors and a projection', () => {
  const layout = gatedAttentionLayout({ sliceWidth: 192, width: 128, attentionWidth: 48, embeddingWidth: 32 });
  expect(shapes(layout)).toEqual([
    'pooling.pre_attn.0.weight [128,192]',
    'pooling.pre_attn.0.bias [128]',
    'pooling.pre_attn.1.weight [128]',
    'pooling.pre_attn.1.bias [128]',
    'pooling.pre_attn.4.weight [128,128]',
    'pooling.pre_attn.4.bias [128]',
    'pooling.pre_attn.5.weight [128]',
    'pooling.pre_attn.5.bias [128]',
    'pooling.attn.attention_a.0.weight [48,128]',
    'pooling.attn.attention_a.0.bias [48]',
    'pooling.attn.attention_b.0.weight [48,128]',
    'pooling.attn.attention_b.0.bias [48]',
    'pooling.attn.attention_c.weight [1,48]',
    'pooling.attn.attention_c.bias [1]',
    'pooling.proj.weight [32,128]',
    'pooling.proj.bias [32]',
  ]);
  expect(layout.groups).toEqual(['image']);
});

describe.each([
  ['clinical', clinicalSharedLayout, clinicalLocalLayout] as const,
  ['expression', expressionSharedLayout, expressionLocalLayout] as const,
])('%s encoder', (name, sharedLayout, localLayout) => {
  test('travels without its first block', () => {
    const layout = sharedLayout({ hiddenWidth: 24, embeddingWidth: 32 });
    expect(shapes(layout)).toEqual([
      `${name}.blocks.1.0.weight [24,24]`,
      `${name}.blocks.1.0.bias [24]`,
      `${name}.blocks.1.1.weight [24]`,
      `${name}.blocks.1.1.bias [24]`,
      `${name}.blocks.2.weight [32,24]`,
      `${name}.blocks.2.bias [32]`,
    ]);
    expect(layout.groups).toEqual([name]);
  });

  test('keeps its first block at the site', () => {
    expect(shapes(localLayout({ inputWidth: 9, hiddenWidth: 24 }))).toEqual([
      `${name}.blocks.0.0.weight [24,9]`,
      `${name}.blocks.0.0.bias [24]`,
      `${name}.blocks.0.1.weight [24]`,
      `${name}.blocks.0.1.bias [24]`,
    ]);
  });
});
