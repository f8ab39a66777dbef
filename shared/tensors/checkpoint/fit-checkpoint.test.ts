import { describe, expect, test } from 'vitest';
import { initialise } from '../initialise.ts';
import { createLayout, type TensorSpec, tensorView } from '../layout.ts';
import { vitLayout } from '../layouts/vit.ts';
import { resamplePositions } from '../positions/resample-positions.ts';
import { adaptInputChannels } from './adapt-input-channels.ts';
import { type CheckpointSource, type FitOptions, fitCheckpoint } from './fit-checkpoint.ts';

type Stored = Record<string, { shape: readonly number[]; data: Float32Array }>;

const sourceOf = (stored: Stored): CheckpointSource => ({
  entries: Object.entries(stored).map(([name, { shape }]) => ({ name, shape })),
  read: async (name) => stored[name]!.data,
});

const tensor = (name: string, shape: readonly number[]): TensorSpec => ({
  name,
  shape,
  initialiser: { kind: 'ones' },
  group: 'all',
});
const ramp = (shape: readonly number[], first = 0) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, index) => first + index),
});

const layout = createLayout([tensor('blocks.0.weight', [2, 2]), tensor('norm.bias', [3]), tensor('head.bias', [2])]);
const complete: Stored = {
  'head.bias': ramp([2], 100),
  'blocks.0.weight': ramp([2, 2]),
  'norm.bias': ramp([3], 10),
};
const renamed = (stored: Stored, change: (name: string) => string): Stored =>
  Object.fromEntries(Object.entries(stored).map(([name, value]) => [change(name), value]));

describe('fitCheckpoint()', () => {
  const fit = (stored: Stored, options?: FitOptions) => fitCheckpoint(sourceOf(stored), layout, options);

  test('places tensors by name, whatever their order', async () => {
    const { values, ...report } = await fit(complete);
    expect([...values]).toEqual([0, 1, 2, 3, 10, 11, 12, 100, 101]);
    expect(report).toEqual({ prefix: '', adapted: [], missing: [], ignored: [] });
  });

  test.each([
    'module.',
    'module.base_encoder.',
    'backbone.',
    'module.backbone.',
  ])('takes off the prefix "%s" that all names share', async (prefix) => {
    const { values, prefix: taken } = await fit(renamed(complete, (name) => prefix + name));
    expect(taken).toBe(prefix);
    expect(values).toEqual((await fit(complete)).values);
  });

  test('leaves a prefix that only some names have, and refuses those names', async () => {
    const some = renamed(complete, (name) => (name === 'norm.bias' ? `module.${name}` : name));
    await expect(fit(some)).rejects.toThrow('that the model does not have: "module.norm.bias"');
  });

  test('leaves a prefix that the model itself has', async () => {
    const wrapped = createLayout([tensor('backbone.weight', [1])]);
    const { prefix } = await fitCheckpoint(sourceOf({ 'backbone.weight': ramp([1]) }), wrapped);
    expect(prefix).toBe('');
  });

  test('leaves out what is to be ignored, with and without the prefix, also for finding the prefix', async () => {
    const stored = {
      ...renamed(complete, (name) => `module.base_encoder.${name}`),
      'module.base_encoder.fc.weight': ramp([1]),
      'module.momentum_encoder.norm.bias': ramp([3]),
    };
    const report = await fit(stored, { ignore: ['module.momentum_encoder.*', 'fc.*'] });
    expect(report.prefix).toBe('module.base_encoder.');
    expect(report.ignored).toEqual(['module.base_encoder.fc.weight', 'module.momentum_encoder.norm.bias']);
  });

  test('refuses missing and surplus tensors by name', async () => {
    const { 'head.bias': _, ...headless } = complete;
    await expect(fit(headless)).rejects.toThrow('1 of the model\'s 3 tensors are missing: "head.bias"');
    await expect(fit({ ...complete, extra: ramp([1]) })).rejects.toThrow(
      '1 tensors that the model does not have: "extra"',
    );
    const many = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`extra.${index}`, ramp([1])]));
    await expect(fit({ ...complete, ...many })).rejects.toThrow('"extra.4" and 3 more');
  });

  test('keeps the start of what may be missing, and asks for a start', async () => {
    const { 'head.bias': _, ...headless } = complete;
    const start = new Float32Array(9).fill(-1);
    const { values, missing } = await fit(headless, { mayMiss: ['head.*'], start });
    expect([...values]).toEqual([0, 1, 2, 3, 10, 11, 12, -1, -1]);
    expect(missing).toEqual(['head.bias']);
    expect(start.every((value) => value === -1)).toBe(true);
    await expect(fit(headless, { mayMiss: ['head.*'] })).rejects.toThrow('"head.bias"');
    await expect(fit(headless, { mayMiss: ['head.*'], start: new Float32Array(8) })).rejects.toThrow('found 8');
  });

  test('refuses other shapes and numbers that are not finite, by name', async () => {
    await expect(fit({ ...complete, 'norm.bias': ramp([4]) })).rejects.toThrow(
      'Cannot load the tensor "norm.bias": the model needs the shape [3], found [4]',
    );
    await expect(fit({ ...complete, 'norm.bias': ramp([3, 1]) })).rejects.toThrow(TypeError);
    const infinite = { shape: [3], data: Float32Array.of(1, Number.NaN, 2) };
    await expect(fit({ ...complete, 'norm.bias': infinite })).rejects.toThrow('"norm.bias": it holds numbers');
  });

  test('starts a grey encoder for 48 px from a colour one for 32 px, and says what it changed', async () => {
    const sizes = { width: 4, depth: 1, heads: 2, mlpWidth: 8, patchSizePixels: 16 };
    const colour = vitLayout({ sizes, imageSizePixels: 32, inputChannels: 3, group: 'slice' });
    const grey = vitLayout({ sizes, imageSizePixels: 48, inputChannels: 1, group: 'slice' });
    const trained = initialise(colour, 'trained');
    const of = (name: string) => tensorView(colour, trained, name);
    const stored = Object.fromEntries(
      colour.tensors.map(({ name, shape }) => [`module.${name}`, { shape, data: of(name) }]),
    );
    const { values, adapted } = await fitCheckpoint(sourceOf(stored), grey);
    expect(adapted).toEqual([
      { name: 'pos_embed', what: 'positions', from: [1, 5, 4], to: [1, 10, 4] },
      { name: 'patch_embed.proj.weight', what: 'input channels', from: [4, 3, 16, 16], to: [4, 1, 16, 16] },
    ]);
    const view = (name: string) => tensorView(grey, values, name);
    const square = (side: number) => ({ rows: side, columns: side });
    expect(view('pos_embed')).toEqual(resamplePositions(of('pos_embed'), { width: 4, from: square(2), to: square(3) }));
    expect(view('patch_embed.proj.weight')).toEqual(
      adaptInputChannels(of('patch_embed.proj.weight'), { shape: [4, 3, 16, 16], channels: 1 }),
    );
    expect(view('blocks.0.mlp.fc1.weight')).toEqual(of('blocks.0.mlp.fc1.weight'));
  });

  test('resamples positions to a grid that is not square when it is told which', async () => {
    const wide = createLayout([tensor('pos_embed', [1, 7, 2])]);
    const stored = { pos_embed: ramp([1, 5, 2]) };
    const { values } = await fitCheckpoint(sourceOf(stored), wide, { grid: { rows: 2, columns: 3 } });
    expect(values).toHaveLength(14);
    await expect(fitCheckpoint(sourceOf(stored), wide)).rejects.toThrow('found 6 patches');
    await expect(fitCheckpoint(sourceOf(stored), wide, { grid: { rows: 3, columns: 3 } })).rejects.toThrow(
      'needs the shape [1, 7, 2]',
    );
  });

  test('adapts no other convolution', async () => {
    const inner = createLayout([tensor('blocks.0.conv1.weight', [1, 1, 1, 1])]);
    const stored = { 'blocks.0.conv1.weight': ramp([1, 3, 1, 1]) };
    await expect(fitCheckpoint(sourceOf(stored), inner)).rejects.toThrow('needs the shape [1, 1, 1, 1]');
  });
});

describe('adaptInputChannels()', () => {
  const shape = [2, 3, 1, 2];
  const { data } = ramp(shape);

  test('sums the colours for one channel and repeats them scaled for others', () => {
    expect([...adaptInputChannels(data, { shape, channels: 1 })]).toEqual([6, 9, 24, 27]);
    expect([...adaptInputChannels(data, { shape, channels: 2 })]).toEqual([0, 1.5, 3, 4.5, 9, 10.5, 12, 13.5]);
    expect(adaptInputChannels(data, { shape, channels: 4 })[6]).toBe(0);
    expect(adaptInputChannels(data, { shape, channels: 4 })[7]).toBe(0.75);
  });

  test('refuses weights that are not of three channels', () => {
    expect(() => adaptInputChannels(data, { shape: [3, 2, 1, 2], channels: 1 })).toThrow('[3, 2, 1, 2]');
  });
});
