/**
 * What identifies a patient, planted everywhere it occurs in practice, and searched for in every byte that a real coordinator
 * and a real site client write: journal, database, audit, uploads, logs, the site's folder, and what a crashing site leaves.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCli } from '@wardround/client/cli/run-cli.ts';
import { expectNoIdentifier, plantIdentifiers } from '@wardround/client/data/test-support/plant-identifiers.ts';
import { startTestCoordinator, testPlan } from '@wardround/coordinator/testing/test-coordinator.ts';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';

const main = path.join(import.meta.dirname, '../../client/cli/main.ts');
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** All files below, with their names: neither may hold an identifier. */
async function searchFolder(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  for (const file of files) {
    expectNoIdentifier(path.relative(folder, path.join(file.parentPath, file.name)));
    expectNoIdentifier(await readFile(path.join(file.parentPath, file.name), 'latin1'));
  }
  return files.length;
}

function exitOf(child: ChildProcess): Promise<NodeJS.Signals | null> {
  return new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
}

describe('identifiers of patients', () => {
  test('are in no file of a coordinator or a site, in no log, and in nothing that a crash leaves', {
    timeout: 120_000,
  }, async () => {
    const planted = plantIdentifiers();
    cleanUps.push(() => planted.remove());
    const coordinator = await startTestCoordinator();
    cleanUps.push(() => coordinator.close());
    const folder = await mkdtemp(path.join(tmpdir(), 'canaries-'));
    cleanUps.push(() => rm(folder, { recursive: true, force: true }));
    const [state, reports] = [path.join(folder, 'site'), path.join(folder, 'reports')];
    await mkdir(reports);
    const printed: string[] = [];
    for (const stream of ['log', 'error'] as const) {
      vi.spyOn(console, stream).mockImplementation((line) => void printed.push(String(line)));
    }
    const token = await coordinator.invite('clinic');
    expect(await runCli(['join', token, '--data', planted.directory, '--state', state])).toBe(0);

    const flags = [
      '--report-on-signal',
      '--report-signal=SIGUSR2',
      '--report-on-fatalerror',
      `--report-directory=${reports}`,
    ];
    const args = [...flags, main, 'start', '--state', state, '--approve', 'any', '--engine', 'plain', '--threads', '1'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    cleanUps.push(() => child.kill('SIGKILL'));
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => printed.push(String(text)));

    const base = testPlan();
    const study = await coordinator.launch(
      checkStudyPlan({
        ...base,
        participation: { ...base.participation, quorum: 1 },
        clinical: { fields: 'auto' },
        evaluation: {
          ...base.evaluation,
          tasks: [{ name: 'response', columns: ['Response'], positive: ['yes'], negative: ['no'] }],
        },
      }),
    );
    // Read, and whatever became of training on so few patients: done, or left out by name.
    await vi.waitFor(
      async () => {
        const { state: known } = await coordinator.study(study);
        expect(known.sites['clinic']?.status, printed.join('')).toBe('ready');
        expect(known.endedAtMillis ?? known.stages[0]?.rounds[0]?.outcome).toBeTruthy();
      },
      { timeout: 90_000, interval: 100 },
    );
    child.kill('SIGUSR2');
    await vi.waitFor(async () => expect(await readdir(reports)).not.toHaveLength(0), { timeout: 10_000, interval: 50 });
    const gone = exitOf(child);
    child.kill('SIGABRT');
    expect(await gone).toBe('SIGABRT');

    // The planted faults were met, so their reports were there to leak.
    const { state: known } = await coordinator.study(study);
    const site = known.sites['clinic'];
    expect(site?.status === 'ready' && Object.keys(site.ready.quarantine).length).toBeGreaterThan(3);
    expect(await searchFolder(coordinator.folder)).toBeGreaterThan(3);
    expect(await searchFolder(state)).toBeGreaterThan(3);
    expect(await searchFolder(reports)).toBeGreaterThan(0);
    expect(printed.join('')).toContain('Ready');
    expectNoIdentifier(printed.join(''));
    expectNoIdentifier(coordinator.log.join('\n'));
    expectNoIdentifier(JSON.stringify(known));
  });
});
