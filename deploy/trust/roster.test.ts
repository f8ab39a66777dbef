/** Real site clients and a real coordinator: members approve members, keys change, a site is taken out in the middle. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { runCli } from '@wardround/client/cli/run-cli.ts';
import { createSiteLog } from '@wardround/client/log/site-log.ts';
import { startSite } from '@wardround/client/start-site.ts';
import { pinnedRoster } from '@wardround/client/state/pinned-roster.ts';
import {
  startTestCoordinator,
  type TestCoordinator,
  testPlan,
} from '@wardround/coordinator/testing/test-coordinator.ts';
import { memberKeys, memberNames } from '@wardround/protocols/enrolment/roster.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

let coordinator: TestCoordinator;
let folder: string;
let out: string;
let running: { readonly stop: AbortController; readonly ended: Promise<void> }[];

beforeEach(async () => {
  coordinator = await startTestCoordinator();
  folder = await mkdtemp(path.join(tmpdir(), 'roster-'));
  running = [];
  out = '';
  vi.spyOn(console, 'log').mockImplementation((line) => {
    out += `${line}\n`;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const { stop } of running) stop.abort();
  await Promise.all(running.map(({ ended }) => ended));
  await coordinator.close();
  await rm(folder, { recursive: true });
});

const stateOf = (site: string) => path.join(folder, site);
const soon = { timeout: 20_000, interval: 50 };

async function join(site: string, approveMembers: 'ask' | 'automatic'): Promise<void> {
  const data = path.join(folder, 'data', site);
  await mkdir(path.join(data, 'ct'), { recursive: true });
  expect(await runCli(['join', await coordinator.invite(site), '--data', data, '--state', stateOf(site)])).toBe(0);
  const policy = { format: 'wardround-site-policy/1', approveMembers };
  await writeFile(path.join(stateOf(site), 'policy.json'), JSON.stringify(policy));
}

/** Starts the site's client; returns what it logs. */
function start(site: string): { logged: () => string } {
  let logged = '';
  const log = createSiteLog(
    new Writable({
      write(piece, _encoding, done) {
        logged += piece;
        done();
      },
    }),
  );
  const stop = new AbortController();
  const options = { folder: stateOf(site), approvalRule: 'listed', engines: ['plain'], log } as const;
  const ended = startSite({ ...options, signal: stop.signal });
  running.push({ stop, ended });
  return { logged: () => logged };
}

const members = async (site: string) => memberNames(await pinnedRoster(stateOf(site)));

describe('the roster', () => {
  test('lets a newcomer in only when a member has approved it, and shows both the same words', async () => {
    await join('basel', 'ask');
    const basel = start('basel');
    await vi.waitFor(async () => expect(await members('basel')).toEqual(['basel']), soon);
    out = '';
    await join('bern', 'automatic');
    const words = /The words of this site's keys: (\S+)/.exec(out)?.[1];
    expect(words?.split('-')).toHaveLength(6);
    const bern = start('bern');
    await vi.waitFor(() => expect(basel.logged()).toContain(`bern joins: ${words}.`), soon);
    await vi.waitFor(() => expect(bern.logged()).toContain('waiting for'), soon);
    expect(await members('basel')).toEqual(['basel']);
    out = '';
    expect(await runCli(['roster', 'show', '--state', stateOf('basel')])).toBe(0);
    expect(out).toContain(`bern joins: ${words}.`);
    expect(await runCli(['roster', 'approve', '7', '--state', stateOf('basel')])).toBe(2);
    expect(await runCli(['roster', 'approve', '2', '--state', stateOf('basel')])).toBe(0);
    for (const site of ['basel', 'bern']) {
      await vi.waitFor(async () => expect(await members(site)).toEqual(['basel', 'bern']), soon);
    }
  });

  test('changes a site’s keys with an overlap, and the client goes on with the new ones', async () => {
    await join('basel', 'automatic');
    await join('bern', 'automatic');
    start('basel');
    const bern = start('bern');
    await vi.waitFor(async () => expect(await members('bern')).toEqual(['basel', 'bern']), soon);
    const before = await readFile(path.join(stateOf('bern'), 'identity.json'), 'utf8');
    expect(await runCli(['rotate', '--state', stateOf('bern')])).toBe(0);
    await vi.waitFor(() => expect(bern.logged()).toContain('The roster has this site’s new keys'), soon);
    expect(memberKeys(await pinnedRoster(stateOf('bern')), 'bern', Date.now() + 1)).toHaveLength(2);
    await vi.waitFor(() => expect(bern.logged()).toContain('This site has new keys from now on'), soon);
    const study = await coordinator.launch(testPlan({ quorum: 2 }));
    await vi.waitFor(() => expect(bern.logged()).toContain('waits for approval'), soon);
    expect(await readFile(path.join(stateOf('bern'), 'identity.json'), 'utf8')).not.toBe(before);
    expect(Object.keys((await coordinator.study(study)).state.sites)).toEqual(['basel', 'bern']);
  });

  test('takes a site out in the middle of a study at once, by name, and the others pin that', async () => {
    await join('basel', 'automatic');
    await join('bern', 'automatic');
    start('basel');
    const bern = start('bern');
    await vi.waitFor(async () => expect(await members('bern')).toEqual(['basel', 'bern']), soon);
    const study = await coordinator.launch(testPlan({ quorum: 1 }));
    await vi.waitFor(() => expect(bern.logged()).toContain('waits for approval'), soon);
    await coordinator.admin.post('/v1/admin/sites/bern/revocation');
    expect((await coordinator.study(study)).state.sites['bern']).toMatchObject({
      status: 'declined',
      reason: 'site-revoked',
    });
    await vi.waitFor(() => expect(bern.logged()).toContain('site-revoked'), soon);
    await vi.waitFor(async () => expect(await members('basel')).toEqual(['basel']), soon);
    await expect(coordinator.invite('bern')).rejects.toMatchObject({ code: 'site-exists' });
  });
});
