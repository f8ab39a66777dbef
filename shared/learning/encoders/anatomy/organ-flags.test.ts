import { describe, expect, test } from 'vitest';
import { goldenCases, goldenTensors } from '../../../test/golden/golden-files.ts';
import { organFlags } from './organ-flags.ts';
import type { Voxels } from './volume-patches.ts';

describe('organFlags()', () => {
  const sizes = { volumeVoxels: [1, 4, 6], patchVoxels: [1, 2, 3], organs: 2 } as const;
  // Organ 0 (label 1) in the upper patches, organ 1 (label 2) in one voxel; 3 is no organ.
  const labels = [
    [0, 0, 0, 0, 0, 0],
    [0, 0, 1, 1, 0, 0],
    [0, 0, 0, 0, 2, 0],
    [0, 3, 0, 0, 0, 0],
  ].flat();

  test('marks each token with a voxel of the organ', () => {
    expect([...organFlags(labels, { ...sizes, borderVoxels: 0 })]).toEqual([1, 1, 0, 0, 0, 0, 0, 1]);
  });

  test('counts several volumes one after another', () => {
    const both = organFlags([...labels, ...new Array<number>(24).fill(2)], { ...sizes, borderVoxels: 0 });
    expect([...both]).toEqual([1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1]);
  });

  test('drops an organ that the crop cuts off, and only in that volume', () => {
    const cube = { volumeVoxels: [3, 3, 3], patchVoxels: [3, 3, 3], organs: 2 } as const;
    const middle = new Uint8Array(27);
    middle[13] = 1;
    const corner = middle.slice();
    corner[13 + 1] = 1;
    corner[0] = 2;
    expect([...organFlags([...middle, ...corner], cube)]).toEqual([1, 0, 0, 0]);
    expect([...organFlags(middle, { ...cube, borderVoxels: 2 })]).toEqual([0, 0]);
  });

  test('takes background and unknown labels for no organ', () => {
    const row = { volumeVoxels: [1, 1, 3], patchVoxels: [1, 1, 1], organs: 2, borderVoxels: 0 } as const;
    expect([...organFlags([0, 3, 255], row)]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  const reference = goldenCases().find(({ name }) => name === 'enc_fvlm_organ_attention');

  test.skipIf(reference === undefined)('flags what PyTorch’s max-pooling flags', () => {
    const tensors = goldenTensors(reference!);
    const [, organs] = tensors.get('input.token_flags')!.shape as [number, number];
    const { vol, patch } = reference!.config as { vol: Voxels; patch: Voxels };
    const labels = Array.from(tensors.get('input.label_map')!.data, Number);
    const flags = organFlags(labels, { volumeVoxels: vol, patchVoxels: patch, organs, borderVoxels: 0 });
    expect([...flags]).toEqual(Array.from(tensors.get('input.token_flags')!.data, Number));
  });

  test('refuses labels that are not whole volumes and patches that do not fill them', () => {
    expect(() => organFlags(labels.slice(1), sizes)).toThrow('23 labels must be whole volumes of 1 x 4 x 6 voxels');
    expect(() => organFlags(labels, { ...sizes, patchVoxels: [1, 3, 3] })).toThrow(TypeError);
  });
});
