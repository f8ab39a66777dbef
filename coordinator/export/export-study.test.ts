import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { planHash, StudyPlan } from '@wardround/protocols/study/plan.ts';
import { initialStageWeights, stageLayout } from '@wardround/protocols/study/stage-layout.ts';
import { tensorView } from '@wardround/shared/tensors/layout.ts';
import { decodeSafetensors } from '@wardround/shared/tensors/safetensors.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OpenBlob } from '../storage/blob-store.ts';
import { examplePlan, exampleRecord } from './example-record.ts';
import { exportStudy } from './export-study.ts';
import { Report } from './report-schema.ts';

const weights = new Map(
  exampleRecord.stages.map(({ final }, index) => [final, initialStageWeights(examplePlan, examplePlan.stages[index]!)]),
);
const openBlob = async (hash: string) => blobOf(new Uint8Array(weights.get(hash)!.buffer));
const blobOf = (bytes: Uint8Array): OpenBlob => ({
  sizeBytes: bytes.length,
  read: async ({ position, bytes: length }) => bytes.slice(position, position + length),
  [Symbol.asyncDispose]: async () => undefined,
});

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'export-study-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('exportStudy()', () => {
  test('writes every file, whole', async () => {
    const { report, files } = await exportStudy(exampleRecord, { openBlob, directory: path.join(directory, 'all') });
    expect(files).toEqual([
      'report.html',
      'report.json',
      'slice-encoder.safetensors',
      'alignment.safetensors',
      'model-card.md',
      'study-plan.json',
    ]);
    expect((await readdir(path.join(directory, 'all'))).sort()).toEqual([...files].sort());
    const written = JSON.parse(await readFile(path.join(directory, 'all', 'report.json'), 'utf8'));
    expect(Report.parse(written)).toEqual(report);
    const plan = StudyPlan.parse(JSON.parse(await readFile(path.join(directory, 'all', 'study-plan.json'), 'utf8')));
    expect(planHash(plan)).toBe(report.study.hash);
  });

  test('publishes the slice encoder under timm names, without the projection head, number for number', async () => {
    await exportStudy(exampleRecord, { openBlob, directory });
    const { tensors, metadata } = decodeSafetensors(await readFile(path.join(directory, 'slice-encoder.safetensors')));
    expect(tensors.size).toBe(150);
    expect([...tensors.keys()].slice(0, 4)).toEqual([
      'cls_token',
      'pos_embed',
      'patch_embed.proj.weight',
      'patch_embed.proj.bias',
    ]);
    expect([...tensors.keys()].filter((name) => name.startsWith('head'))).toEqual([]);
    expect(tensors.get('pos_embed')!.shape).toEqual([1, 17, 192]);
    expect(tensors.get('patch_embed.proj.weight')!.shape).toEqual([192, 1, 16, 16]);
    const layout = stageLayout(examplePlan, examplePlan.stages[0]!);
    const values = weights.get(exampleRecord.stages[0]!.final)!;
    for (const [name, tensor] of tensors) expect(tensor.data).toEqual(tensorView(layout, values, name));
    expect(metadata).toMatchObject({
      format: 'pt',
      architecture: 'vit_tiny_patch16_224',
      num_heads: '3',
      image_size: '64',
      in_chans: '1',
      plan_hash: exampleRecord.hash,
      rounds: '4',
      sites: 'northgate,riverside,st-olaf',
      window_hounsfield: '-1000,400',
    });
  });

  test('names another encoder as timm does, in the file and in the card', async () => {
    const slice = { ...examplePlan.encoders.slice, architecture: 'vit_small_patch16' } as const;
    const plan = { ...examplePlan, encoders: { ...examplePlan.encoders, slice } };
    const start = initialStageWeights(plan, plan.stages[0]!);
    const folder = path.join(directory, 'small');
    await exportStudy(
      { ...exampleRecord, plan, stages: [exampleRecord.stages[0]!] },
      { openBlob: async () => blobOf(new Uint8Array(start.buffer)), directory: folder },
    );
    const { tensors, metadata } = decodeSafetensors(await readFile(path.join(folder, 'slice-encoder.safetensors')));
    expect(tensors.get('pos_embed')!.shape).toEqual([1, 17, 384]);
    expect(metadata).toMatchObject({ architecture: 'vit_small_patch16_224', num_heads: '6' });
    const card = await readFile(path.join(folder, 'model-card.md'), 'utf8');
    expect(card).toContain('timm.create_model("vit_small_patch16_224"');
    expect(card).toContain('vit_small_patch16 (width 384, depth 12, 6 heads)');
  });

  test('publishes the travelling part of the alignment stage only', async () => {
    await exportStudy(exampleRecord, { openBlob, directory });
    const { tensors, metadata } = decodeSafetensors(await readFile(path.join(directory, 'alignment.safetensors')));
    expect([...tensors.keys()]).toEqual(
      stageLayout(examplePlan, examplePlan.stages[1]!).tensors.map(({ name }) => name),
    );
    expect([...tensors.keys()].some((name) => /^(clinical|expression)\.blocks\.0\./.test(name))).toBe(false);
    expect(metadata).toMatchObject({ stage: 'alignment', embedding_width: '64', pooling_width: '128' });
  });

  test('writes no weights of a stage that did not end, and says so', async () => {
    const folder = path.join(directory, 'failed');
    const { files } = await exportStudy(
      {
        ...exampleRecord,
        state: 'failed',
        failure: 'quorum-not-met',
        stages: [exampleRecord.stages[0]!, { ...exampleRecord.stages[1]!, final: null }],
        evaluations: [],
      },
      { openBlob, directory: folder },
    );
    expect(files).toContain('slice-encoder.safetensors');
    expect(files).not.toContain('alignment.safetensors');
    const card = await readFile(path.join(folder, 'model-card.md'), 'utf8');
    expect(card).toContain('**The study is failed (too few updates arrived before the deadline)');
    expect(card).not.toContain('alignment.safetensors');
  });

  test('refuses weights of another size', async () => {
    const shortBlob = async () => blobOf(new Uint8Array(8));
    await expect(exportStudy(exampleRecord, { openBlob: shortBlob, directory })).rejects.toThrow(
      /weights must be \d+ bytes, found 8/,
    );
  });

  test('writes a model card with the settings, the counts, the results and the limits', async () => {
    await exportStudy(exampleRecord, { openBlob, directory });
    const card = await readFile(path.join(directory, 'model-card.md'), 'utf8');
    expect(card).toContain('Not a medical device');
    expect(card).toContain('num_classes=0, in_chans=1, img_size=64)');
    expect(card).toContain(exampleRecord.hash);
    expect(card).toContain('| northgate | 104 | 31 | 96 | 0 | 1,536 | 101 | 70 | 92 |');
    expect(card).toContain('SimCLR, temperature 0.1 | 4 of 4 | 1 epoch, at most 12 steps | 16 |');
    expect(card).toContain('| sex | linear probe | slice mean | 0.546 ± 0.037 |');
    expect(card).toContain('st-olaf, pretraining round 2: its update came after the deadline');
    expect(card).not.toMatch(/undefined|NaN|\[object/);
  });

  test('lets no text from a plan become a heading, a link or an element of the card', async () => {
    const description = '# <b>a</b> [link](javascript:1)\n\n# b | c';
    await exportStudy(
      { ...exampleRecord, plan: { ...examplePlan, description } },
      { openBlob, directory: path.join(directory, 'hostile') },
    );
    const card = await readFile(path.join(directory, 'hostile', 'model-card.md'), 'utf8');
    expect(card).toContain('\\# \\<b\\>a\\</b\\> \\[link\\]\\(javascript:1\\) \\# b \\| c');
  });
});
