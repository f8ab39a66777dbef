import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { layoutHash } from '@wardround/shared/tensors/layout.ts';
import { describe, expect, test } from 'vitest';
import { StudyPlan } from './plan.ts';
import { smallPlan } from './small-plan.ts';
import { initialStageWeights, stageLayout, stageUpdateCode, updateScale } from './stage-layout.ts';

const plan = StudyPlan.parse(smallPlan());
const [pretraining, alignment] = plan.stages as [StudyPlan['stages'][0], StudyPlan['stages'][0]];
const names = (of: StudyPlan, stage = alignment) => stageLayout(of, stage).tensors.map(({ name }) => name);

describe('stageLayout()', () => {
  test('pretraining has the slice encoder, then the projection head', () => {
    const layout = stageLayout(plan, pretraining);
    expect(layout.tensors).toHaveLength(154);
    expect(names(plan, pretraining).slice(-6)).toEqual([
      'norm.weight',
      'norm.bias',
      'head.0.weight',
      'head.0.bias',
      'head.2.weight',
      'head.2.bias',
    ]);
    expect(layout.groups).toEqual(['slice']);
    expect(layout.tensors.at(-1)!.shape).toEqual([64]);
  });

  test('alignment has pooling and the shared parts of both tabular encoders', () => {
    const layout = stageLayout(plan, alignment);
    expect(layout.groups).toEqual(['image', 'clinical', 'expression']);
    expect(layout.tensors[0]).toMatchObject({ name: 'pooling.pre_attn.0.weight', shape: [48, 192] });
    expect(names(plan).some((name) => name.includes('blocks.0.'))).toBe(false);
    const shape = (name: string) => layout.tensors.find((tensor) => tensor.name === name)!.shape;
    expect(shape('pooling.proj.weight')).toEqual([32, 48]);
    expect(shape('clinical.blocks.2.weight')).toEqual([32, 24]);
    expect(shape('expression.blocks.2.weight')).toEqual([32, 40]);
  });

  test.each([
    ['vit_small_patch16', 384],
    ['vit_base_patch16', 768],
  ] as const)('takes the slice width of %s', (architecture, width) => {
    const small = smallPlan();
    const slice = { ...small.encoders.slice, architecture };
    const other = StudyPlan.parse({ ...small, encoders: { ...small.encoders, slice } });
    const shape = (stage: typeof alignment, name: string) =>
      stageLayout(other, stage).tensors.find((tensor) => tensor.name === name)!.shape;
    expect(shape(pretraining, 'norm.weight')).toEqual([width]);
    expect(shape(pretraining, 'head.2.weight')).toEqual([64, width]);
    expect(shape(alignment, 'pooling.pre_attn.0.weight')).toEqual([48, width]);
  });

  test('alignment leaves expression out when the plan has none', () => {
    const { expression: _, ...without } = smallPlan();
    const layout = stageLayout(StudyPlan.parse(without), alignment);
    expect(layout.groups).toEqual(['image', 'clinical']);
    expect(layoutHash(layout)).not.toBe(layoutHash(stageLayout(plan, alignment)));
  });
});

describe('initialStageWeights()', () => {
  test('gives known bits for a plan and a stage', () => {
    const hash = (of: StudyPlan, stage: typeof alignment) =>
      sha256Hex(littleEndianBytes(initialStageWeights(of, stage)));
    expect(hash(plan, pretraining)).toBe('221b00905a6ae90daec659f25d0c275db3fd5cffefcdc69ea90e5a05571c82f1');
    expect(hash(plan, alignment)).toBe('3a82bdd11cf41a3009cb7009050fb54fc0f0c1d09076733a85fcbd01feed51ce');
    expect(hash({ ...plan, seed: 8 }, alignment)).not.toBe(
      '3a82bdd11cf41a3009cb7009050fb54fc0f0c1d09076733a85fcbd01feed51ce',
    );
    expect(hash(plan, { ...alignment, name: 'other' })).not.toBe(
      '3a82bdd11cf41a3009cb7009050fb54fc0f0c1d09076733a85fcbd01feed51ce',
    );
  });
});

describe('updateScale()', () => {
  test('is floor(2^29 / (sites * clip))', () => {
    expect(updateScale(plan, 3)).toBe(1_789_569_706);
    expect(stageUpdateCode(plan, alignment, 3)).toEqual({
      layout: stageLayout(plan, alignment),
      clip: 0.1,
      codeBits: 32,
      central: undefined,
      maximumSampleCount: 1000,
      sites: 3,
    });
  });

  test('refuses sample counts whose sum would not fit', () => {
    const large = { ...plan, protection: { ...plan.protection, maximumSampleCount: 100_000_000 } };
    expect(updateScale(large, 21)).toBeGreaterThan(0);
    expect(() => updateScale(large, 22)).toThrow('22 times 100000000');
  });
});
