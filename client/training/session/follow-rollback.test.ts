/** Rollbacks and skipped rounds in a stage's model chain, and coordinators that invent some. */
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelChain } from '@wardround/protocols/session/messages.ts';
import { planHash, StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { initialStageWeights, stageUpdateCode } from '@wardround/protocols/study/stage-layout.ts';
import { decodeSum } from '@wardround/protocols/transfer/update-code.ts';
import { serverStep } from '@wardround/shared/aggregation/server-optimiser.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SiteLink } from '../../link/site-link.ts';
import { modelFolder } from '../../state/kept-model.ts';
import type { Trainer } from '../trainer.ts';
import type { AdvanceTask } from '../worker-messages.ts';
import { advanceModel } from './advance-model.ts';
import { followModelChain } from './follow-model-chain.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wardround-rollback-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SITES = 3;
const server = { kind: 'fedavgm', learningRate: 1, momentum: 0.5 } as const;
const small = smallPlan();
const plan = StudyPlan.parse({
  ...small,
  stages: small.stages.map((stage) => ({ ...stage, server })),
  protection: { ...small.protection, mode: 'secure-aggregation', gate: { maximumRollbacks: 2 } },
});
const stage = plan.stages[1]!;
const reference = { study: planHash(plan), stage: stage.name };
const code = stageUpdateCode(plan, stage, SITES);
const blobs = new Map<string, Uint8Array>();

interface Weights {
  readonly weights: Float32Array;
  readonly state: Float32Array | null;
}

function sumOf(round: number): Int32Array {
  const random = createRandom(`sum ${round}`);
  const { groups, size } = code.layout;
  return Int32Array.from([
    ...groups.map(() => 7),
    ...Array.from({ length: size }, () => random.int(2 ** 20) - 2 ** 19),
  ]);
}

function added({ weights, state }: Weights, round: number): Weights {
  return serverStep(server, { weights, state, ...decodeSum(sumOf(round), code), trained: code.layout.tensors });
}

function linkTo({ weights }: Weights, round: number): ModelChain['links'][number] {
  const bytes = littleEndianBytes(sumOf(round));
  blobs.set(sha256Hex(bytes), bytes);
  return { round, sites: SITES, sum: sha256Hex(bytes), model: hashOf(weights), transcript: sha256Hex(`t${round}`) };
}

const hashOf = (weights: Float32Array) => sha256Hex(littleEndianBytes(weights));
const undone = (to: Float32Array, reason = 'training-loss-rose') => ({ rolledBack: { to: hashOf(to), reason } });

/** Rounds 1 and 2 are added, 3 shows that 2 was bad, 4 is skipped, 5 is added to what 1 had led to. */
const start: Weights = { weights: initialStageWeights(plan, stage), state: null };
const first = added(start, 1);
const second = added(first, 2);
const third = added(second, 3);
const fifth = added(first, 5);
const links = [
  linkTo(first, 1),
  linkTo(second, 2),
  { ...linkTo(third, 3), ...undone(first.weights) },
  linkTo(fifth, 5),
];
const skipped = [{ round: 4, reason: 'too-few-survivors' }];

function follow(chain: Partial<ModelChain>, wanted: Float32Array, { study = plan } = {}) {
  const fetched: string[] = [];
  const link = {
    modelChain: async () => ({ initial: hashOf(start.weights), links: [], ...chain }),
    download: async (hash: string) => {
      fetched.push(hash);
      await mkdir(join(folder, 'blobs'), { recursive: true });
      const file = join(folder, 'blobs', hash);
      await writeFile(file, blobs.get(hash)!);
      return file;
    },
  } as unknown as SiteLink;
  const trainer = { run: (task: AdvanceTask) => advanceModel(task) } as unknown as Trainer;
  const { signal } = new AbortController();
  return followModelChain({ ...reference, plan: study, model: hashOf(wanted) }, { folder, link, trainer, signal }).then(
    async ({ file }) => ({ fetched, bytes: await readFile(file) }),
  );
}

describe('followModelChain() past rollbacks', () => {
  test('goes back to weights and optimiser memory that it has computed, and on from there, to the bit', async () => {
    await follow({ links: links.slice(0, 2) }, second.weights);
    const back = await follow({ links: links.slice(0, 3) }, first.weights);
    expect(back.fetched).toEqual([]);
    expect(back.bytes.equals(littleEndianBytes(first.weights))).toBe(true);
    const on = await follow({ links, skipped }, fifth.weights);
    expect(on.fetched).toEqual([links[3]!.sum]);
    expect(on.bytes.equals(littleEndianBytes(fifth.weights))).toBe(true);
    // Weights and momentum of now, of before, and the note about them.
    expect(await readdir(await modelFolder(folder, reference))).toHaveLength(5);
  });

  test('comes to the same when it was away, or has lost what a rollback leads to', async () => {
    const away = await follow({ links, skipped }, fifth.weights);
    expect(away.fetched).toEqual([links[0]!.sum, links[3]!.sum]);
    expect(away.bytes.equals(littleEndianBytes(fifth.weights))).toBe(true);
    const models = await modelFolder(folder, reference);
    await rm(models, { recursive: true });
    await follow({ links: links.slice(0, 2) }, second.weights);
    await rm(join(models, hashOf(first.weights)));
    const lost = await follow({ links: links.slice(0, 3) }, first.weights);
    expect(lost.bytes.equals(littleEndianBytes(first.weights))).toBe(true);
  });

  test('refuses a coordinator that goes back without saying so, or further than the gate allows', async () => {
    await follow({ links: links.slice(0, 2) }, second.weights);
    const broken = { reason: 'model-chain-broken' };
    const two = links.slice(0, 2);
    // An older model, named as if it were the newest.
    await expect(follow({ links: two }, first.weights)).rejects.toMatchObject(broken);
    await expect(follow({ links: links.slice(0, 1) }, first.weights)).rejects.toMatchObject(broken);
    for (const [target, reason] of [
      [start.weights, 'training-loss-rose'],
      [start.weights, 'update-norm-rose'],
      [first.weights, 'update-norm-rose'],
      [third.weights, 'training-loss-rose'],
      [first.weights, 'because'],
    ] as const) {
      const forged = [...two, { ...linkTo(third, 3), ...undone(target, reason) }];
      await expect(follow({ links: forged }, target)).rejects.toMatchObject(broken);
    }
    const { gate: _, ...protection } = plan.protection;
    const ungated = { study: { ...plan, protection } };
    await expect(follow({ links: links.slice(0, 3) }, first.weights, ungated)).rejects.toMatchObject(broken);
    const thrice = [3, 4, 5].map((round) => ({
      ...linkTo(third, round),
      ...undone(second.weights, 'update-norm-rose'),
    }));
    await expect(follow({ links: [...two, ...thrice, linkTo(third, 6)] }, third.weights)).rejects.toMatchObject(broken);
    // What is true is followed all the same.
    await expect(follow({ links: links.slice(0, 3) }, first.weights)).resolves.toBeDefined();
  });
});
