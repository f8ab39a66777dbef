import { mkdtempSync, rmSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planHash, StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { initialStageWeights, stageUpdateCode } from '@wardround/protocols/study/stage-layout.ts';
import { decodeSum } from '@wardround/protocols/transfer/update-code.ts';
import { type ServerOptimiser, serverStep } from '@wardround/shared/aggregation/server-optimiser.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SiteLink } from '../../link/site-link.ts';
import { readKeptModel } from '../../state/kept-model.ts';
import type { Trainer } from '../trainer.ts';
import type { AdvanceTask } from '../worker-messages.ts';
import { advanceModel } from './advance-model.ts';
import { followModelChain } from './follow-model-chain.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wardround-chain-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SITES = 3;
/** More rounds than sums are fetched at a time. */
const ROUNDS = 10;

/** A stage's rounds as the coordinator takes them, each on whole vectors; every third sum lacks the samples of a group. */
function published(server: ServerOptimiser) {
  const small = smallPlan();
  const plan = StudyPlan.parse({ ...small, stages: small.stages.map((stage) => ({ ...stage, server })) });
  const stage = plan.stages[1]!;
  const code = stageUpdateCode(plan, stage, SITES);
  const { groups, size } = code.layout;
  const random = createRandom('sums');
  let weights = initialStageWeights(plan, stage);
  let state: Float32Array | null = null;
  const initial = sha256Hex(littleEndianBytes(weights));
  const blobs = new Map<string, Uint8Array>();
  const links = [];
  const models = [weights];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const counts = groups.map((_, group) => (round % 3 === group ? 0 : 5 + group));
    const sum = Int32Array.from([...counts, ...Array.from({ length: size }, () => random.int(2 ** 20) - 2 ** 19)]);
    const { meanDelta, sampleCounts } = decodeSum(sum, code);
    const trained = code.layout.tensors.filter(({ group }) => sampleCounts[groups.indexOf(group)]! > 0);
    ({ weights, state } = serverStep(server, { weights, meanDelta, state, trained }));
    const bytes = littleEndianBytes(sum);
    blobs.set(sha256Hex(bytes), bytes);
    models.push(weights);
    const transcript = sha256Hex(`transcript ${round}`);
    const model = sha256Hex(littleEndianBytes(weights));
    links.push({ round, sites: SITES, sum: sha256Hex(bytes), model, transcript });
  }
  return { plan, study: planHash(plan), stage: stage.name, initial, links, blobs, models };
}
type Published = ReturnType<typeof published>;

function follow(chain: Published, round: number, change: Partial<Published> = {}) {
  const { plan, study, stage, initial, links, blobs } = { ...chain, ...change };
  const fetched: string[] = [];
  const link = {
    modelChain: async () => ({ initial, links: links.slice(0, round) }),
    download: async (hash: string) => {
      fetched.push(hash);
      await mkdir(join(folder, 'blobs'), { recursive: true });
      const file = join(folder, 'blobs', hash);
      await writeFile(file, blobs.get(hash)!);
      return file;
    },
  } as unknown as SiteLink;
  const trainer = { run: (task: AdvanceTask) => advanceModel(task) } as unknown as Trainer;
  const model = round === 0 ? initial : links[round - 1]!.model;
  const { signal } = new AbortController();
  const followed = followModelChain({ study, plan, stage, model }, { folder, link, trainer, signal });
  return followed.then((weights) => ({ ...weights, fetched }));
}

const modelsFolder = ({ study, stage }: Published) => join(folder, 'models', `${study}-${stage}`);

const adaptive = { learningRate: 0.01, beta1: 0.9, beta2: 0.99, tau: 0.001 };
const optimisers: ServerOptimiser[] = [
  { kind: 'fedavg', learningRate: 1 },
  { kind: 'fedavgm', learningRate: 0.7, momentum: 0.9 },
  { kind: 'fedadam', ...adaptive },
  { kind: 'fedyogi', ...adaptive },
];

describe('followModelChain()', () => {
  test.each(
    optimisers,
  )('computes the weights that the coordinator has, to the bit, and keeps only the last: $kind', async (server) => {
    const chain = published(server);
    for (const round of [0, 1, 2, ROUNDS]) {
      const { hash, file, fetched } = await follow(chain, round);
      const bytes = await readFile(file);
      expect(sha256Hex(bytes)).toBe(hash);
      expect(bytes.equals(littleEndianBytes(chain.models[round]!))).toBe(true);
      expect(fetched).toHaveLength(round === ROUNDS ? ROUNDS - 2 : Math.min(round, 1));
    }
    const memories = { fedavg: 0, fedavgm: 1 }[server.kind as string] ?? 2;
    const kept = await readdir(modelsFolder(chain));
    expect(kept).toHaveLength(2 + memories);
    for (const name of kept) expect((await stat(join(modelsFolder(chain), name))).mode & 0o077).toBe(0);
    expect(await readdir(join(folder, 'blobs'))).toEqual([]);
    expect((await follow(chain, ROUNDS)).fetched).toEqual([]);
  });

  test('computes anew what a power cut has torn before the round was over', async () => {
    const chain = published(optimisers[2]!);
    const { hash, file } = await follow(chain, 3);
    await writeFile(file, (await readFile(file)).fill(0, 64));
    const again = await follow(chain, 3);
    expect(sha256Hex(await readFile(again.file))).toBe(hash);
    expect(again.fetched).toHaveLength(3);
  });

  test('refuses weights that do not follow, whichever sum or hash was changed, and leaves nothing of them', async () => {
    const chain = published(optimisers[2]!);
    await follow(chain, 3);
    const before = await readdir(modelsFolder(chain));
    const { sum } = chain.links[4]!;
    const flipped = Uint8Array.from(chain.blobs.get(sum)!);
    // A bit of the first code behind the three counts, in a group that has samples.
    flipped[15]! ^= 1;
    const shorter = chain.blobs.get(sum)!.subarray(4);
    const counts = Uint8Array.from(chain.blobs.get(sum)!).fill(255, 0, 4);
    for (const bytes of [flipped, shorter, counts]) {
      const refused = follow(chain, 6, { blobs: new Map([...chain.blobs, [sum, bytes]]) });
      await expect(refused).rejects.toMatchObject({ reason: 'model-chain-broken' });
    }
    const crafted = chain.links.map((link) => (link.round === 5 ? { ...link, model: sha256Hex('crafted') } : link));
    for (const change of [{ links: crafted }, { initial: sha256Hex('other') }, { links: chain.links.toReversed() }]) {
      await expect(follow(chain, 6, change)).rejects.toMatchObject({ reason: 'model-chain-broken' });
    }
    expect(await readdir(modelsFolder(chain))).toEqual(before);
    expect((await readKeptModel(folder, chain))?.round).toBe(3);
    expect((await follow(chain, 6)).hash).toBe(chain.links[5]!.model);
  });

  test.each([
    [
      'a flipped bit',
      async (file: string) =>
        writeFile(
          file,
          (await readFile(file)).map((byte, i) => (i === 9 ? byte ^ 4 : byte)),
        ),
    ],
    ['a file cut short', async (file: string) => writeFile(file, (await readFile(file)).subarray(4))],
    ['a file that is gone', (file: string) => rm(file)],
  ])('computes all again from the beginning after %s in what it has kept', async (_, damage) => {
    const chain = published(optimisers[2]!);
    await follow(chain, 2);
    const kept = (await readKeptModel(folder, chain))!;
    for (const name of [kept.model, kept.optimiserState!, kept.secondMoment!]) {
      await cp(modelsFolder(chain), join(folder, 'before'), { recursive: true });
      await damage(join(modelsFolder(chain), name));
      const { file, fetched } = await follow(chain, 3);
      expect(sha256Hex(await readFile(file))).toBe(chain.links[2]!.model);
      expect(fetched).toEqual([chain.links[2]!.sum, ...chain.links.slice(0, 3).map(({ sum }) => sum)]);
      await rm(modelsFolder(chain), { recursive: true });
      await cp(join(folder, 'before'), modelsFolder(chain), { recursive: true });
    }
  });

  test('begins anew where an earlier version kept both memories in one file', async () => {
    const chain = published(optimisers[2]!);
    await follow(chain, 2);
    const file = join(modelsFolder(chain), 'chain.json');
    const { secondMoment: _, ...earlier } = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify(earlier));
    expect((await follow(chain, 3)).hash).toBe(chain.links[2]!.model);
  });
});

describe('advanceModel()', () => {
  test('leaves nothing behind when it is stopped', async () => {
    const { plan, stage, initial } = published(optimisers[1]!);
    const task = { kind: 'advance-model', plan, stage, from: null, initial, links: [], folder } as const;
    await expect(advanceModel(task, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect(await readdir(folder)).toEqual([]);
  });
});
