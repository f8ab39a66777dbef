import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { initialStageWeights } from '@wardround/protocols/study/stage-layout.ts';
import { updateContext } from '@wardround/protocols/transfer/envelope-contexts.ts';
import { encodeUpdate } from '@wardround/protocols/transfer/update-code.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { int32FromBytes, littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { SEAL_HEADER_BYTES, SEGMENT_BYTES, SEGMENT_TAG_BYTES, seal } from '@wardround/shared/crypto/sealed-envelope.ts';
import { createLayout } from '@wardround/shared/tensors/layout.ts';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openBlobFolder } from '../storage/blob-folder.ts';
import { createStateFolder, type StateFolder, stateFolder } from '../storage/state-folder.ts';
import { openUploadFolder, type UploadFolder } from '../storage/upload-folder.ts';
import { createModelWork, type ModelWork, plannedModels } from './model-work.ts';
import { openPieceThreads } from './pieces/piece-threads.ts';

const plan = checkStudyPlan(smallPlan());
const identity = generateIdentity();
const threads = openPieceThreads({ threads: 2 });
afterAll(() => threads.close());

/** Two segments and a bit. */
const layout = createLayout([
  { name: 'a', shape: [300_000], initialiser: { kind: 'zeros' }, group: 'image' },
  { name: 'b', shape: [300_000], initialiser: { kind: 'zeros' }, group: 'clinical' },
]);
const models = { layout: () => layout, initialWeights: () => new Float32Array(layout.size) };
const { clip, maximumSampleCount } = plan.protection;
const round = { plan, stage: 0, study: 'a'.repeat(64), round: 1, startModel: 'b'.repeat(64), sites: 3, site: 'basel' };
const context = updateContext({ ...round, stage: plan.stages[0]!.name, model: round.startModel });

let folder: StateFolder;
let uploads: UploadFolder;
let work: ModelWork;
beforeEach(async () => {
  folder = stateFolder(await mkdtemp(path.join(tmpdir(), 'work-')));
  await createStateFolder(folder);
  uploads = openUploadFolder(folder.uploads);
  const [published, optimiserStates] = [openBlobFolder(folder.published), openBlobFolder(folder.optimiserStates)];
  work = createModelWork({ identity, published, optimiserStates, uploads, models, threads });
});
afterEach(() => rm(folder.root, { recursive: true }));

const sealed = (vector: Uint8Array) => seal(vector, { recipientSealingKey: publicKeys(identity).sealingKey, context });
const upload = async (bytes: Uint8Array) => (await uploads.of('basel')).put(bytes);
const delta = Float32Array.from({ length: layout.size }, (_, i) => Math.sin(i));
const update = () =>
  encodeUpdate(delta, { layout, clip, maximumSampleCount, sites: 3, sampleCounts: [maximumSampleCount, 5] }).vector;
/** The place of a byte of the given segment in an envelope. */
const within = (segment: number) => SEAL_HEADER_BYTES + segment * (SEGMENT_BYTES + SEGMENT_TAG_BYTES) + 99;

describe('inspectUpdate()', () => {
  const inspect = async (bytes: Uint8Array) => work.inspectUpdate({ ...round, blob: await upload(bytes) });

  test('accepts what a site may send, and finds what none may in any segment', async () => {
    expect(await inspect(sealed(update()))).toBeNull();
    for (const [at, value, fault] of [
      [1, maximumSampleCount + 1, 'update-sample-count'],
      [300_001, 2 ** 30, 'update-out-of-range'],
      [600_001, -(2 ** 30), 'update-out-of-range'],
    ] as const) {
      const vector = update();
      int32FromBytes(vector)[at] = value;
      expect(await inspect(sealed(vector))).toBe(fault);
    }
    expect(await inspect(sealed(update().subarray(4)))).toBe('update-wrong-length');
  });

  test.each([0, 1, 2])('tells a broken seal from a damaged upload, in segment %i', async (segment) => {
    const broken = sealed(update());
    broken[within(segment)]! ^= 1;
    expect(await inspect(broken)).toBe('seal-broken');
    const whole = sealed(update());
    const blob = await upload(whole);
    await writeFile((await uploads.of('basel')).pathOf(blob), broken);
    expect(await work.inspectUpdate({ ...round, blob })).toBe('update-damaged');
  });
});

describe('inspectMasked()', () => {
  const vector = update();
  const request = { ...round, words: vector.length / 4, maskedInput: sha256Hex(vector) };

  test('accepts the vector that was signed, and no other', async () => {
    const blob = await upload(sealed(vector));
    expect(await work.inspectMasked({ ...request, blob })).toBeNull();
    const other = vector.slice();
    other[2_400_000]! ^= 1;
    const changed = await upload(sealed(other));
    expect(await work.inspectMasked({ ...request, blob: changed })).toBe('masked-input-changed');
    expect(await work.inspectMasked({ ...request, blob, words: request.words + 1 })).toBe('update-wrong-length');
    const cut = await upload(sealed(vector).subarray(0, -SEGMENT_TAG_BYTES));
    expect(await work.inspectMasked({ ...request, blob: cut })).toBe('update-wrong-length');
  });

  test('looks at the uploads of several sites at the same time', async () => {
    const blobs = await Promise.all(Array.from({ length: 5 }, () => upload(sealed(vector))));
    const found = await Promise.all(blobs.map((blob) => work.inspectMasked({ ...request, blob })));
    expect(found).toEqual(Array(5).fill(null));
  });
});

describe('aggregate()', () => {
  const weights = new Uint8Array(4 * layout.size);
  const robust = { ...plan, protection: { ...plan.protection, robust: { rule: 'median', faulty: 1 } as const } };
  const request = async (blobs: readonly string[], of = plan) => ({
    ...round,
    plan: of,
    startModel: await openBlobFolder(folder.published).put(weights),
    optimiserState: null,
    updates: blobs.map((blob, i) => ({ site: ['basel', 'geneva', 'zurich'][i]!, blob })),
  });
  const uploadAs = async (site: string, startModel: string) => {
    const own = updateContext({ ...round, stage: plan.stages[0]!.name, model: startModel, site });
    const bytes = seal(update(), { recipientSealingKey: publicKeys(identity).sealingKey, context: own });
    return (await uploads.of(site)).put(bytes);
  };

  test.each([
    ['the sum', plan],
    ['a robust rule', robust],
  ])('with %s names a site whose upload is cut short or damaged on the disk', async (_, of) => {
    const { startModel } = await request([]);
    const sites = ['basel', 'geneva', 'zurich'];
    const blobs = await Promise.all(sites.map((site) => uploadAs(site, startModel)));
    const file = (await uploads.of('zurich')).pathOf(blobs[2]!);
    const whole = await readFile(file);
    const damaged = Uint8Array.from(whole);
    damaged[within(1)]! ^= 1;
    for (const bytes of [damaged, whole.subarray(0, -100), whole.subarray(0, within(1) - 99)]) {
      await writeFile(file, bytes);
      const result = await work.aggregate(await request(blobs, of));
      expect(result).toEqual({ kind: 'unusable', site: 'zurich', reason: 'update-damaged' });
    }
    await rm(file);
    expect(await work.aggregate(await request(blobs, of))).toMatchObject({ site: 'zurich', reason: 'update-damaged' });
    await writeFile(file, whole);
    expect(await work.aggregate(await request(blobs, of))).toMatchObject({ kind: 'aggregated' });
  });
});

test('prepareStage() publishes the same starting weights in pieces as in one', async () => {
  const published = openBlobFolder(folder.published);
  const optimiserStates = openBlobFolder(folder.optimiserStates);
  const planned = createModelWork({ identity, published, optimiserStates, uploads, models: plannedModels, threads });
  const { model } = await planned.prepareStage({ plan, stage: 0 });
  expect(model).toBe(sha256Hex(littleEndianBytes(initialStageWeights(plan, plan.stages[0]!))));
});
