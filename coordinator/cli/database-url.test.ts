/** The commands that read or run on the database, beside a coordinator whose tables are in either. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { describeOnEachDatabase, describeOnPostgresql } from '../testing/describe-on-each-database.ts';
import { startTestCoordinator, testPlan } from '../testing/test-coordinator.ts';
import { databaseUrl } from './database-url.ts';
import { runCommandLine } from './run-command-line.ts';

let out = '';
let err = '';
beforeEach(() => {
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text;
    return true;
  });
  return () => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  };
});

async function run(...words: readonly string[]): Promise<number> {
  out = '';
  err = '';
  return runCommandLine(words);
}

describeOnEachDatabase('wardround-coordinator', (database) => {
  test('reads studies and journals beside a running coordinator and after it', async () => {
    vi.stubEnv('DATABASE_URL', database.url() ?? '');
    expect(databaseUrl()).toBe(database.url());
    const coordinator = await startTestCoordinator({ databaseUrl: databaseUrl() });
    const state = ['--state', coordinator.folder];
    const [basel] = await coordinator.join('basel');
    const study = await coordinator.launch(testPlan({ quorum: 1 }));
    await basel!.doWork(await basel!.work());
    await coordinator.restart();
    expect([await run('audit', 'verify', ...state), err]).toEqual([0, '']);
    expect(out).toMatch(/The audit log is whole: \d+ records/);
    expect([await run('export', study, '--out', path.join(coordinator.folder, 'out'), ...state), err]).toEqual([0, '']);
    await coordinator.running.close();
    expect([await run('status', ...state, '--json'), err]).toEqual([0, '']);
    expect(JSON.parse(out)).toMatchObject({ running: false, studies: [{ study }] });
    await rm(coordinator.folder, { recursive: true });
  });
});

describeOnPostgresql('wardround-coordinator', (database) => {
  test('says that studies may be in a database that was not named', async () => {
    const coordinator = await startTestCoordinator({ databaseUrl: database.url() });
    await coordinator.running.close();
    expect(await run('status', '--state', coordinator.folder)).toBe(3);
    expect(err).toContain('set DATABASE_URL');
    await rm(coordinator.folder, { recursive: true });
  });

  test('ends with 3 when the database cannot be reached, and shows nothing of its address', async () => {
    const url = new URL(database.url()!);
    url.port = '1';
    vi.stubEnv('DATABASE_URL', url.href);
    const folder = await mkdtemp(path.join(tmpdir(), 'unreached-'));
    expect(await run('start', '--state', folder, '--port', '0')).toBe(3);
    expect(err).toContain('Cannot reach the database');
    expect(err + out).not.toContain(url.password);
    await rm(folder, { recursive: true });
  });
});
