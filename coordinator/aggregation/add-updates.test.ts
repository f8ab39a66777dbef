import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Worker } from 'node:worker_threads';
import { CANARY, canaryWords } from '@wardround/protocols/secure-aggregation/canary.ts';
import { addUpdate, decodeSum, encodeUpdate, updateVectorLength } from '@wardround/protocols/transfer/update-code.ts';
import { type ServerOptimiser, serverStep } from '@wardround/shared/aggregation/server-optimiser.ts';
import { codeWordsFromBytes, createCodeWords } from '@wardround/shared/bytes/code-words.ts';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { addMasks, type Mask } from '@wardround/shared/crypto/mask-generator.ts';
import { seal } from '@wardround/shared/crypto/sealed-envelope.ts';
import { createRandom, type SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import { createLayout } from '@wardround/shared/tensors/layout.ts';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BlobFolder, openBlobFolder } from '../storage/blob-folder.ts';
import { createUpdateAdder, type SumRequest, type SumResult } from './add-updates.ts';
import { openPieceThreads } from './pieces/piece-threads.ts';
import { openStagedVector } from './staged-vector.ts';

const identity = generateIdentity();
const { sealingKey: recipientSealingKey } = publicKeys(identity);
const context = 'a round';
const tensor = (name: string, size: number, group: string) =>
  ({ name, shape: [size], initialiser: { kind: 'zeros' }, group }) as const;
/** Two pieces and a bit of 32-bit words, and no tensor begins where a piece does. Nobody trains `expression`. */
const layout = createLayout([
  tensor('a', 200_003, 'image'),
  tensor('b', 99_991, 'expression'),
  tensor('c', 300_007, 'clinical'),
]);
const code = { layout, clip: 0.5, maximumSampleCount: 100, sites: 4 };
const adaptive = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.01 };
const fedAdam: ServerOptimiser = { kind: 'fedadam', ...adaptive };
const optimisers: readonly ServerOptimiser[] = [
  { kind: 'fedavg', learningRate: 1 },
  { kind: 'fedavgm', learningRate: 0.7, momentum: 0.9 },
  fedAdam,
  { kind: 'fedyogi', ...adaptive },
  { kind: 'fedadagrad', ...adaptive },
];

const threads = openPieceThreads({ threads: 2 });
afterAll(() => threads.close());

let root: string;
let uploads: BlobFolder;
let published: BlobFolder;
let states: BlobFolder;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'adding-'));
  [uploads, published, states] = ['uploads', 'published', 'states'].map((name) =>
    openBlobFolder(path.join(root, name)),
  ) as [BlobFolder, BlobFolder, BlobFolder];
  for (const { folder } of [uploads, published, states]) await mkdir(folder);
});
afterEach(() => rm(root, { recursive: true }));

const normals = (random: SeededRandom, size: number) => {
  // A thousand draws, repeated: tests need no more, and it is quick.
  const drawn = Array.from({ length: 1009 }, () => random.normal());
  return Float32Array.from({ length: size }, (_, i) => drawn[i % 1009]!);
};

interface Round {
  readonly code: SumRequest['code'];
  readonly plain: readonly Uint8Array[];
  readonly uploaded: readonly Sha256Hex[];
  readonly instructions: SumRequest['instructions'];
}

/** Uploads of as many sites; `change` alters a vector before it is masked. */
async function upload(options: {
  readonly seed: string;
  readonly sites: number;
  readonly isMasked: boolean;
  readonly code?: SumRequest['code'];
  readonly change?: (words: Int32Array | Int16Array, site: number) => void;
}): Promise<Round> {
  const { seed, sites, isMasked, change } = options;
  const terms: SumRequest['code'] = { ...code, ...options.code };
  const { codeBits = 32 } = terms;
  const random = createRandom(seed);
  const plain: Uint8Array[] = [];
  const uploaded: Sha256Hex[] = [];
  const instructions: Mask[] = [];
  for (let site = 0; site < sites; site += 1) {
    const sampleCounts = terms.layout.groups.map((group) => (group === 'expression' ? 0 : 1 + random.int(100)));
    const { vector } = encodeUpdate(normals(random, terms.layout.size), { ...terms, sampleCounts });
    plain.push(vector);
    const canary = isMasked ? canaryWords(codeBits) : 0;
    const words = createCodeWords(updateVectorLength(terms.layout, codeBits) + canary, codeBits);
    words.set(codeWordsFromBytes(vector, codeBits));
    words.fill(CANARY, words.length - canary);
    change?.(words, site);
    if (isMasked) {
      const key = Uint8Array.from({ length: 32 }, () => random.int(256));
      addMasks(words, [{ key, sign: 1 }]);
      instructions.push({ key, sign: -1 });
    }
    uploaded.push(await uploads.put(seal(littleEndianBytes(words), { recipientSealingKey, context })));
  }
  return { code: terms, plain, uploaded, instructions: isMasked ? (instructions as never) : null };
}

async function add(
  round: Round,
  { opened, ...rest }: Pick<SumRequest, 'server' | 'startModel' | 'optimiserState'> & { opened?: () => Promise<void> },
  adder = createUpdateAdder({ published, optimiserStates: states, threads }),
): Promise<SumResult> {
  await using open = new AsyncDisposableStack();
  const vectors = [];
  for (const blob of round.uploaded) {
    const staged = await openStagedVector(uploads, { blob, identity, context });
    if (typeof staged === 'string') throw new Error(staged);
    vectors.push(open.use(staged).vector);
  }
  await opened?.();
  return await adder.add({ vectors, instructions: round.instructions, code: round.code, ...rest });
}

/** What the whole vectors give. */
function expectedStep(
  { code: terms, plain }: Round,
  { server, weights, state }: { server: ServerOptimiser; weights: Float32Array; state: Float32Array | null },
) {
  const { codeBits = 32 } = terms;
  const sum = createCodeWords(updateVectorLength(terms.layout, codeBits), codeBits);
  for (const vector of plain) addUpdate(sum, vector);
  const { meanDelta, sampleCounts } = decodeSum(sum, terms);
  const { tensors, groups } = terms.layout;
  const trained = tensors.filter(({ group }) => sampleCounts[groups.indexOf(group)]! > 0);
  return { sum, ...serverStep(server, { weights, meanDelta, state, trained }) };
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  bytes[at]! ^= 1;
  return bytes;
}

const hashOf = (numbers: Float32Array | Int32Array | Int16Array) => sha256Hex(littleEndianBytes(numbers));

describe('createUpdateAdder()', () => {
  test.each([
    ...optimisers.map((server) => ({ server, codeBits: 32, isMasked: true }) as const),
    { server: fedAdam, codeBits: 16, isMasked: true },
    { server: fedAdam, codeBits: 32, isMasked: false },
  ] as const)('gives the bits of whole vectors: $server.kind, $codeBits bits, masked: $isMasked', async (options) => {
    const { server, codeBits, isMasked } = options;
    let weights: Float32Array = normals(createRandom('weights'), layout.size);
    let state: Float32Array | null = null;
    let startModel = await published.put(littleEndianBytes(weights));
    let optimiserState: Sha256Hex | null = null;
    for (const seed of ['first', 'second']) {
      const round = await upload({ seed, sites: 3, isMasked, code: { ...code, codeBits } });
      const expected = expectedStep(round, { server, weights, state });
      const result = await add(round, { server, startModel, optimiserState });
      const distance = expected.weights.reduce((sum, value, i) => sum + (value - weights[i]!) ** 2, 0);
      expect(result).toEqual({
        kind: 'moved',
        model: hashOf(expected.weights),
        optimiserState: expected.state && hashOf(expected.state),
        updateNorm: expect.closeTo(Math.sqrt(distance), 6),
        sum: isMasked ? hashOf(expected.sum) : null,
      });
      if (result.kind !== 'moved') return;
      expect(await published.size(result.model)).toBe(4 * layout.size);
      ({ weights, state } = expected);
      ({ model: startModel, optimiserState } = result);
    }
  });

  const begin = async () => ({
    server: fedAdam,
    startModel: await published.put(littleEndianBytes(normals(createRandom('weights'), layout.size))),
    optimiserState: null,
  });
  const expectNothingMore = async (startModel: Sha256Hex) => {
    expect(await readdir(published.folder)).toEqual([startModel]);
    expect(await readdir(states.folder)).toEqual([]);
  };

  test.each([16, 32] as const)('publishes nothing of a sum without its canary, in %i bits', async (codeBits) => {
    const start = await begin();
    const isMasked = true;
    const wrong = await upload({
      seed: 'canary',
      sites: 3,
      isMasked,
      code: { ...code, codeBits },
      change: (words, site) => site === 1 && words.fill(2, words.length - 1),
    });
    expect(await add(wrong, start)).toEqual({ kind: 'sum-wrong', reason: 'canary-wrong' });
    const whole = await upload({ seed: 'masks', sites: 3, isMasked, code: { ...code, codeBits } });
    const lacking = { ...whole, instructions: whole.instructions!.slice(1) };
    expect(await add(lacking, start)).toEqual({ kind: 'sum-wrong', reason: 'canary-wrong' });
    await expectNothingMore(start.startModel);
  });

  test.each([
    ['its sample counts', 0],
    ['its first piece', 1000],
    ['its last piece', layout.size],
  ])('publishes nothing of a sum that is out of range in %s', async (_, at) => {
    const start = await begin();
    const change = (words: Int32Array | Int16Array) => void words.fill(2 ** 30, at, at + 1);
    const round = await upload({ seed: 'range', sites: 3, isMasked: true, change });
    expect(await add(round, start)).toEqual({ kind: 'sum-wrong', reason: 'sum-out-of-range' });
    await expectNothingMore(start.startModel);
  });

  test.each([
    ['its first segment', (bytes: Uint8Array) => flipped(bytes, 500_000)],
    ['its last segment', (bytes: Uint8Array) => flipped(bytes, bytes.length - 1)],
    ['its length', (bytes: Uint8Array) => bytes.subarray(0, 2_000_000)],
  ])('names the upload of which %s has changed since its header was read', async (_, change) => {
    const start = await begin();
    const round = await upload({ seed: 'broken', sites: 3, isMasked: true });
    const blob = round.uploaded[2]!;
    const opened = async () => writeFile(uploads.pathOf(blob), change(new Uint8Array(await uploads.read(blob))));
    expect(await add(round, { ...start, opened })).toEqual({ kind: 'vector-broken', vector: 2 });
    await expectNothingMore(start.startModel);
  });

  test('does not move weights that have changed on the disk', async () => {
    const start = await begin();
    const round = await upload({ seed: 'model', sites: 3, isMasked: true });
    const changed = littleEndianBytes(normals(createRandom('other'), layout.size));
    await writeFile(published.pathOf(start.startModel), changed);
    await expect(add(round, start)).rejects.toThrow('have changed on the disk');
    await writeFile(published.pathOf(start.startModel), changed.subarray(4));
    await expect(add(round, start)).rejects.toThrow('have changed on the disk');
    await expectNothingMore(start.startModel);
  });

  test('holds as much memory for many sites and large models as for few and small ones', async () => {
    const adder = createUpdateAdder({ published, optimiserStates: states, threads });
    const held: number[] = [];
    for (const [size, sites] of [
      [900_000, 2],
      [900_000, 9],
      [3_000_000, 3],
    ] as const) {
      const large = createLayout([tensor('a', size, 'image')]);
      const terms = { ...code, layout: large, sites };
      const round = await upload({ seed: `held ${size} ${sites}`, sites, isMasked: true, code: terms });
      const startModel = await published.put(new Uint8Array(4 * size));
      expect(await add(round, { server: fedAdam, startModel, optimiserState: null }, adder)).toMatchObject({
        kind: 'moved',
      });
      held.push(adder.heldBytes());
    }
    // Two threads and one piece to spare; of each a piece of the sum, the weights and both moments.
    expect(held).toEqual(Array(3).fill(3 * 4 * 2 ** 20));
  });

  test('fails when a thread dies, leaves nothing, and gives the same result when it is asked again', async () => {
    const start = await begin();
    const round = await upload({ seed: 'dies', sites: 3, isMasked: true });
    const own = openPieceThreads({ threads: 2 });
    const adder = createUpdateAdder({ published, optimiserStates: states, threads: own });
    const kill = (worker: Worker) => void worker.terminate();
    process.once('worker', kill);
    await expect(add(round, start, adder)).rejects.toThrow('one of the threads that add them ended');
    await expectNothingMore(start.startModel);
    const again = await add(round, start, adder);
    expect(again).toMatchObject({ kind: 'moved' });
    expect(again).toEqual(await add(round, start));
    await own.close();
  });
});
