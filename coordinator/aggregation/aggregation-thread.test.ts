import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { stageLayout } from '@wardround/protocols/study/stage-layout.ts';
import { generateIdentity } from '@wardround/shared/crypto/identity.ts';
import { layoutHash } from '@wardround/shared/tensors/layout.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openBlobFolder } from '../storage/blob-folder.ts';
import { createStateFolder, type StateFolder, stateFolder } from '../storage/state-folder.ts';
import { type AggregationThread, startAggregationThread } from './aggregation-thread.ts';

const plan = checkStudyPlan(smallPlan());
let folder: StateFolder;
let thread: AggregationThread;

beforeEach(async () => {
  folder = stateFolder(await mkdtemp(path.join(tmpdir(), 'thread-')));
  await createStateFolder(folder);
  thread = startAggregationThread({ folder, identity: generateIdentity() });
});
afterEach(async () => {
  await thread.close();
  await rm(folder.root, { recursive: true });
});

describe('startAggregationThread()', () => {
  test('makes starting weights, the same each time, and lets the event loop run meanwhile', async () => {
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 1);
    const both = await Promise.all([thread.prepareStage({ plan, stage: 0 }), thread.prepareStage({ plan, stage: 0 })]);
    clearInterval(ticking);
    expect(both[1]).toEqual(both[0]);
    const layout = stageLayout(plan, plan.stages[0]!);
    expect(both[0].layout).toBe(layoutHash(layout));
    expect(await openBlobFolder(folder.published).size(both[0].model)).toBe(4 * layout.size);
    expect(ticks).toBeGreaterThan(10);
  });

  test('passes failures on and goes on after them, also after the thread itself has ended', async () => {
    await expect(thread.prepareStage({ plan, stage: 7 })).rejects.toThrow(RangeError);
    const interrupted = thread.prepareStage({ plan, stage: 0 });
    await thread.close();
    await expect(interrupted).rejects.toThrow('ended before it answered');
    expect(await thread.prepareStage({ plan, stage: 1 })).toMatchObject({ model: expect.any(String) });
  });

  test('finds out what is wrong with an update', async () => {
    const { model: startModel } = await thread.prepareStage({ plan, stage: 1 });
    const blob = 'a'.repeat(64);
    const request = { plan, stage: 1, study: blob, round: 1, startModel, sites: 2, site: 'basel', blob };
    expect(await thread.inspectUpdate(request)).toBe('update-damaged');
    const uploads = path.join(folder.uploads, 'basel');
    const garbage = await openBlobFolder(uploads).put(new Uint8Array(1000));
    expect(await thread.inspectUpdate({ ...request, blob: garbage })).toBe('seal-broken');
    await writeFile(path.join(uploads, garbage), 'other bytes');
    expect(await thread.inspectUpdate({ ...request, blob: garbage })).toBe('update-damaged');
  });
});
