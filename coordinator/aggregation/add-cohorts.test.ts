import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CANARY, canaryWords } from '@wardround/protocols/secure-aggregation/canary.ts';
import { addUpdate, decodeSum, encodeUpdate, updateVectorLength } from '@wardround/protocols/transfer/update-code.ts';
import { piecesOf, robustMean } from '@wardround/shared/aggregation/robust/robust-mean.ts';
import { type ServerOptimiser, serverStep } from '@wardround/shared/aggregation/server-optimiser.ts';
import { type CodeBits, codeWordsFromBytes, createCodeWords } from '@wardround/shared/bytes/code-words.ts';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { addMasks, type Mask } from '@wardround/shared/crypto/mask-generator.ts';
import { seal } from '@wardround/shared/crypto/sealed-envelope.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { createLayout } from '@wardround/shared/tensors/layout.ts';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BlobFolder, openBlobFolder } from '../storage/blob-folder.ts';
import { type CohortSumsRequest, createUpdateAdder } from './add-updates.ts';
import { openPieceThreads } from './pieces/piece-threads.ts';
import { openStagedVector } from './staged-vector.ts';

const identity = generateIdentity();
const { sealingKey: recipientSealingKey } = publicKeys(identity);
const context = 'a round';
const tensor = (name: string, size: number, group: string) =>
  ({ name, shape: [size], initialiser: { kind: 'zeros' }, group }) as const;
/** A piece and a bit of 32-bit words. Two of three cohorts train `expression`, too few for the median. */
const layout = createLayout([tensor('a', 200_003, 'image'), tensor('b', 99_991, 'expression')]);
const server: ServerOptimiser = { kind: 'fedadam', learningRate: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.01 };
const rule = { kind: 'median', faulty: 1 } as const;

const threads = openPieceThreads({ threads: 2 });
afterAll(() => threads.close());

let root: string;
let uploads: BlobFolder;
let published: BlobFolder;
let states: BlobFolder;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'adding-cohorts-'));
  [uploads, published, states] = ['uploads', 'published', 'states'].map((name) =>
    openBlobFolder(path.join(root, name)),
  ) as [BlobFolder, BlobFolder, BlobFolder];
  for (const { folder } of [uploads, published, states]) await mkdir(folder);
});
afterEach(() => rm(root, { recursive: true }));

/** Three cohorts of three; `change` alters a site's vector before it is masked. */
async function uploadCohorts(
  codeBits: CodeBits,
  change: (words: Int32Array | Int16Array, site: number) => void = () => undefined,
) {
  const random = createRandom('cohorts');
  const code = { layout, clip: 0.5, maximumSampleCount: 100, sites: 9, codeBits };
  const words = updateVectorLength(layout, codeBits) + canaryWords(codeBits);
  const cohorts: { uploaded: Sha256Hex[]; instructions: Mask[]; sum: Int32Array | Int16Array }[] = [];
  for (let cohort = 0; cohort < 3; cohort += 1) {
    const own = {
      uploaded: [] as Sha256Hex[],
      instructions: [] as Mask[],
      sum: createCodeWords(words - canaryWords(codeBits), codeBits),
    };
    for (let member = 0; member < 3; member += 1) {
      const delta = Float32Array.from({ length: layout.size }, (_, i) => 0.4 * Math.sin(i * (1 + cohort) + member));
      const sampleCounts = [1 + random.int(100), cohort === 0 ? 0 : 1 + random.int(100)];
      const { vector } = encodeUpdate(delta, { ...code, sampleCounts });
      addUpdate(own.sum, vector);
      const masked = createCodeWords(words, codeBits);
      masked.set(codeWordsFromBytes(vector, codeBits));
      masked.fill(CANARY, words - canaryWords(codeBits));
      change(masked, 3 * cohort + member);
      const key = Uint8Array.from({ length: 32 }, () => random.int(256));
      addMasks(masked, [{ key, sign: 1 }]);
      own.instructions.push({ key, sign: -1 });
      own.uploaded.push(await uploads.put(seal(littleEndianBytes(masked), { recipientSealingKey, context })));
    }
    cohorts.push(own);
  }
  return { code, cohorts };
}

type Uploaded = Awaited<ReturnType<typeof uploadCohorts>>;
const adder = () => createUpdateAdder({ published, optimiserStates: states, threads });

async function add(
  { code, cohorts }: Uploaded,
  { startModel, opened = async () => undefined }: { startModel: Sha256Hex; opened?: () => Promise<void> },
) {
  await using open = new AsyncDisposableStack();
  const requested = [];
  for (const { uploaded, instructions } of cohorts) {
    const vectors = [];
    for (const blob of uploaded) {
      const staged = await openStagedVector(uploads, { blob, identity, context });
      if (typeof staged === 'string') throw new Error(staged);
      vectors.push(open.use(staged).vector);
    }
    requested.push({ vectors, instructions: instructions as never });
  }
  await opened();
  const request: CohortSumsRequest = { cohorts: requested, code, rule, server, startModel, optimiserState: null };
  return await adder().addCohorts(request);
}

const start = () => published.put(littleEndianBytes(Float32Array.from({ length: layout.size }, (_, i) => Math.cos(i))));

describe('UpdateAdder.addCohorts()', () => {
  test.each([
    32, 16,
  ] as const)('gives each cohort’s sum and the bits of the rule over whole means, in %i bits', async (codeBits) => {
    const round = await uploadCohorts(codeBits);
    const startModel = await start();
    const decoded = round.cohorts.map(({ sum }) => decodeSum(sum, round.code));
    const { mean } = await robustMean(piecesOf(decoded.map(({ meanDelta }) => meanDelta)), {
      rule,
      pieceLength: 1 << 16,
    });
    const weights = Float32Array.from({ length: layout.size }, (_, i) => Math.cos(i));
    const trained = layout.tensors.filter(({ group }) => group === 'image');
    const expected = serverStep(server, { weights, meanDelta: mean, state: null, trained });
    const result = await add(round, { startModel });
    expect(result).toMatchObject({
      kind: 'moved',
      model: sha256Hex(littleEndianBytes(expected.weights)),
      optimiserState: sha256Hex(littleEndianBytes(expected.state!)),
      sums: round.cohorts.map(({ sum }) => sha256Hex(littleEndianBytes(sum))),
    });
    for (const { sum } of round.cohorts) {
      expect(await published.size(sha256Hex(littleEndianBytes(sum)))).toBe(sum.byteLength);
    }
  });

  test('names the cohort whose canary or range is wrong, and publishes nothing', async () => {
    const startModel = await start();
    const canary = await uploadCohorts(32, (words, site) => site === 4 && words.fill(7, words.length - 1));
    expect(await add(canary, { startModel })).toEqual({ kind: 'sum-wrong', reason: 'canary-wrong', cohort: 1 });
    const range = await uploadCohorts(32, (words, site) => site === 8 && words.fill(2 ** 30, 1000, 1001));
    expect(await add(range, { startModel })).toEqual({ kind: 'sum-wrong', reason: 'sum-out-of-range', cohort: 2 });
    expect(await readdir(published.folder)).toEqual([startModel]);
    expect(await readdir(states.folder)).toEqual([]);
  });

  test('names the upload that has changed on the disk, in its cohort', async () => {
    const startModel = await start();
    const round = await uploadCohorts(32);
    const blob = round.cohorts[2]!.uploaded[1]!;
    const bytes = new Uint8Array(await uploads.read(blob));
    bytes[500_000]! ^= 1;
    const opened = () => writeFile(uploads.pathOf(blob), bytes);
    expect(await add(round, { startModel, opened })).toEqual({ kind: 'vector-broken', vector: 1, cohort: 2 });
    expect(await readdir(published.folder)).toEqual([startModel]);
  });
});
