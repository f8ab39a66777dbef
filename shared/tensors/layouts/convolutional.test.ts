import { describe, expect, test } from 'vitest';
import { testAgainstReference } from '../../test/reference-layouts.ts';
import { initialise } from '../initialise.ts';
import { type ParameterLayout, tensorView } from '../layout.ts';
import { CONV_STEM_VIT_BASE, CONV_STEM_VIT_SMALL, convStemVitLayout } from './conv-stem-vit.ts';
import { MAMBAOUT_TINY, mambaOutLayout } from './mambaout.ts';
import { MOCO_HEADS, mocoHeadsLayout } from './moco-heads.ts';
import { RESNET_50, resnetLayout } from './resnet.ts';

const statistics = 'running_mean|running_var|num_batches_tracked';
const group = 'slice';

/** The largest magnitude that a tensor starts with. */
function largestOf(layout: ParameterLayout, name: string): number {
  return Math.max(...tensorView(layout, initialise(layout, 1), name).map(Math.abs));
}

describe('convStemVitLayout()', () => {
  testAgainstReference(
    'CLEAR vit_conv_base',
    () => convStemVitLayout({ ...CONV_STEM_VIT_BASE, inputChannels: 3, group }),
    { leaveOut: new RegExp(`${statistics}|^pos_embed$|^head\\.`) },
  );

  test('carries no statistics of any batch', () => {
    const { tensors } = convStemVitLayout({ ...CONV_STEM_VIT_SMALL, inputChannels: 1, group });
    expect(tensors.filter(({ name }) => new RegExp(statistics).test(name))).toEqual([]);
    expect(tensors.find(({ name }) => name === 'patch_embed.proj.0.weight')!.shape).toEqual([48, 1, 3, 3]);
  });

  test('starts linear layers within Glorot’s bound', () => {
    const layout = convStemVitLayout({ width: 48, depth: 1, mlpWidth: 96, inputChannels: 1, group });
    for (const [name, fans] of [
      ['attn.qkv', 96],
      ['attn.proj', 96],
      ['mlp.fc1', 144],
    ] as const) {
      const bound = Math.sqrt(6 / fans);
      expect(largestOf(layout, `blocks.0.${name}.weight`)).toBeLessThanOrEqual(Math.fround(bound));
      expect(largestOf(layout, `blocks.0.${name}.weight`)).toBeGreaterThan(0.95 * bound);
    }
  });

  test('refuses a width that the stem cannot reach by doubling', () => {
    const sizes = { width: 20, depth: 1, mlpWidth: 8, inputChannels: 1, group };
    expect(() => convStemVitLayout(sizes)).toThrow('its width must be a multiple of 8, found 20');
  });
});

describe('mambaOutLayout()', () => {
  testAgainstReference('mambaout_tiny', () => mambaOutLayout({ ...MAMBAOUT_TINY, inputChannels: 3, group }), {
    leaveOut: /^head\.(pre_logits|fc)\./,
  });

  test('has the published number of parameters but for the pre-logits', () => {
    // 24,240,096 without the classifier, of which 2304 x (576 + 1 + 2) make the pre-logits.
    const { size } = mambaOutLayout({ ...MAMBAOUT_TINY, inputChannels: 3, group });
    expect(size).toBe(24_240_096 - 2304 * (576 + 3));
  });

  test('starts with small weights and zero biases', () => {
    const layout = mambaOutLayout({ dims: [6, 8], depths: [1, 1], inputChannels: 1, group });
    expect(largestOf(layout, 'stages.1.blocks.0.conv.weight')).toBeLessThanOrEqual(Math.fround(0.04));
    expect(largestOf(layout, 'stages.0.blocks.0.fc1.bias')).toBe(0);
  });

  test('refuses dims without depths', () => {
    expect(() => mambaOutLayout({ dims: [6, 8], depths: [1], inputChannels: 1, group })).toThrow(
      'found dims [6, 8] and depths [1]',
    );
  });
});

describe('mocoHeadsLayout()', () => {
  testAgainstReference(
    'MoCo_ViT heads (vit_small, dim=256, mlp=4096)',
    () => mocoHeadsLayout({ ...MOCO_HEADS, encoderWidth: 384, group }),
    { leaveOut: new RegExp(`${statistics}|^momentum_encoder\\.`) },
  );
});

describe('resnetLayout()', () => {
  testAgainstReference('torchvision resnet50 1ch', () => resnetLayout({ ...RESNET_50, inputChannels: 1, group }), {
    leaveOut: new RegExp(`${statistics}|^fc\\.`),
  });
});
