/** Whole studies through the real coordinator: real HTTP, real keys, real threads, made-up training. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readStoredStudies } from '../cli/read-state.ts';
import { nextWork, startTestCoordinator, type TestCoordinator, testPlan } from '../testing/test-coordinator.ts';

const running: TestCoordinator[] = [];

afterEach(async () => {
  for (const coordinator of running.splice(0)) await coordinator.close();
});

async function start(): Promise<TestCoordinator> {
  const coordinator = await startTestCoordinator();
  running.push(coordinator);
  return coordinator;
}

describe('a study', () => {
  test('gives the same bytes whatever the order in which updates arrive', async () => {
    const orders = [
      [0, 1, 2],
      [2, 0, 1],
    ];
    const models: string[][] = [];
    for (const order of orders) {
      const coordinator = await start();
      const sites = await coordinator.join('basel', 'geneva', 'zurich');
      const study = await coordinator.launch(testPlan());
      // ready, one round of each stage, evaluation
      for (let step = 0; step < 4; step++) {
        for (const index of order) {
          const site = sites[index]!;
          await site.doWork(await nextWork(site));
        }
      }
      const { state } = await coordinator.study(study);
      expect(state.phase).toEqual({ kind: 'finished' });
      models.push(state.stages.flatMap(({ initialModel, model }) => [initialModel, model]));
      expect(state.stages.map(({ rounds }) => rounds[0]?.outcome)).toMatchObject([
        { kind: 'committed', participants: ['basel', 'geneva', 'zurich'] },
        { kind: 'committed', participants: ['basel', 'geneva', 'zurich'] },
      ]);
      expect(Object.keys(state.evaluation?.reports ?? {}).sort()).toEqual(['basel', 'geneva', 'zurich']);

      // What stays on the disk: the plan, and the weights each stage began and ended with.
      const left = async (folder: string) => (await readdir(path.join(coordinator.folder, folder))).sort();
      await vi.waitFor(async () => {
        expect(await left('published')).toEqual([state.planBlob, ...models.at(-1)!].sort());
        expect(await left('optimiser-states')).toEqual([]);
        for (const site of ['basel', 'geneva', 'zurich']) expect(await left(`uploads/${site}`)).toEqual([]);
      });
      expect((await readStoredStudies(coordinator.folder)).states).toEqual([state]);
    }
    expect(new Set(models[0]).size).toBe(4);
    expect(models[1]).toEqual(models[0]);
  });
});
