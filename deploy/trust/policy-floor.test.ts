/** A real site client under a policy of its own, against a real coordinator. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { runCli } from '@wardround/client/cli/run-cli.ts';
import { createSiteLog } from '@wardround/client/log/site-log.ts';
import { startSite } from '@wardround/client/start-site.ts';
import {
  startTestCoordinator,
  type TestCoordinator,
  testPlan,
} from '@wardround/coordinator/testing/test-coordinator.ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

let coordinator: TestCoordinator;
let folder: string;
let stop: AbortController;
let running: Promise<void>;
let logged: string;

beforeEach(async () => {
  coordinator = await startTestCoordinator();
  folder = await mkdtemp(path.join(tmpdir(), 'policy-floor-'));
  stop = new AbortController();
  running = Promise.resolve();
  logged = '';
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
});
afterEach(async () => {
  vi.restoreAllMocks();
  stop.abort();
  await running;
  await coordinator.close();
  await rm(folder, { recursive: true });
});

test('a floor of the site stops a study that is approved without looking, and the coordinator sees which', async () => {
  const state = path.join(folder, 'state');
  const data = path.join(folder, 'data');
  await mkdir(path.join(data, 'ct'), { recursive: true });
  expect(await runCli(['join', await coordinator.invite('basel'), '--data', data, '--state', state])).toBe(0);
  const policy = { format: 'wardround-site-policy/1', maximumClip: 0.01 };
  await writeFile(path.join(state, 'policy.json'), JSON.stringify(policy));
  const log = createSiteLog(
    new Writable({
      write(piece, _encoding, done) {
        logged += piece;
        done();
      },
    }),
  );
  running = startSite({ folder: state, approvalRule: 'any', engines: ['plain'], log, signal: stop.signal });
  const study = await coordinator.launch(testPlan({ quorum: 1 }));
  await vi.waitFor(
    async () => {
      const { sites } = (await coordinator.study(study)).state;
      expect(sites['basel']).toMatchObject({ status: 'declined', reason: 'policy-clip' });
    },
    { timeout: 10_000, interval: 100 },
  );
  expect(logged).toContain('policy floor maximumClip needs a clip of at most 0.01; the study has 0.1');
});
