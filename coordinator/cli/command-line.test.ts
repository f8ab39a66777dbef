/** Every command against a real coordinator, by what it prints and how it ends. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeInvitation } from '@wardround/protocols/enrolment/invitation.ts';
import { planHash } from '@wardround/protocols/study/plan.ts';
import { decodeIdentity, fingerprint, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { startTestCoordinator, type TestCoordinator, testPlan } from '../testing/test-coordinator.ts';
import { joinTestSite, type TestSite } from '../testing/test-site.ts';
import { runCommandLine } from './run-command-line.ts';

let coordinator: TestCoordinator;
let folder: string;
let state: string[];
let basel: TestSite;
const plan = { ...testPlan({ quorum: 1 }), name: 'pilot' };

beforeAll(async () => {
  coordinator = await startTestCoordinator({ admitInvited: false });
  folder = await mkdtemp(path.join(tmpdir(), 'command-line-'));
  state = ['--state', coordinator.folder];
});
afterAll(async () => {
  await coordinator.close();
  await rm(folder, { recursive: true });
});

let out = '';
let err = '';
beforeEach(() => {
  out = '';
  err = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text;
    return true;
  });
  return () => vi.restoreAllMocks();
});

/** Runs a command and gives its exit code. */
async function run(...words: readonly string[]): Promise<number> {
  out = '';
  err = '';
  return runCommandLine(words);
}

describe('wardround-coordinator identity', () => {
  test('prints new keys each time, and their fingerprint apart', async () => {
    const made: string[] = [];
    for (let time = 0; time < 2; time++) {
      expect(await run('identity')).toBe(0);
      expect(err).toBe(`Fingerprint ${fingerprint(publicKeys(decodeIdentity(out)))}\n`);
      made.push(out);
    }
    expect(made[0]).not.toBe(made[1]);
  });
});

describe('wardround-coordinator', () => {
  test.each([
    [],
    ['start'],
    ['invite'],
    ['sites'],
    ['admit'],
    ['study'],
    ['study', 'launch'],
    ['study', 'abort'],
    ['status'],
    ['export'],
  ])('%s explains itself with --help', async (...words) => {
    expect(await run(...words, '--help')).toBe(0);
    expect(out).toContain('USAGE');
    expect(err).toBe('');
  });

  test('says its version', async () => {
    expect(await run('--version')).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each([
    ['no command', []],
    ['an unknown command', ['stop']],
    ['a group without its command', ['study']],
    ['a missing argument', ['invite']],
    ['a surplus argument', ['invite', 'basel', 'geneva']],
    ['an unknown option', ['invite', 'basel', '--sate', 'x']],
    ['an option without its value', ['invite', 'basel', '--state']],
    ['a name that is none', ['invite', 'Universitätsspital']],
    ['a port that is none', ['start', '--port', '70000']],
    ['half a certificate', ['start', '--tls-key', 'key.pem']],
    ['an address with a path', ['start', '--url', 'https://example.org/wardround']],
    ['all addresses without a public one', ['start', '--host', '0.0.0.0']],
  ])('ends with 2 for %s', async (_, words) => {
    expect(await run(...words)).toBe(2);
    expect(err).toContain('USAGE');
    expect(err).not.toContain('Universität');
  });

  test('ends with 3 when no coordinator runs on the folder', async () => {
    for (const words of [
      ['invite', 'basel'],
      ['sites'],
      ['admit', 'basel'],
      ['status'],
      ['export', 'pilot', '--out', folder],
    ]) {
      expect(await run(...words, '--state', path.join(folder, 'nothing'))).toBe(3);
      expect(err).toContain('--state');
    }
  });

  test('ends with 3 when another coordinator has the folder or the port', async () => {
    expect(await run('start', ...state, '--port', '0')).toBe(3);
    expect(err).toContain('another coordinator is running');
    const { port } = new URL(coordinator.running.publicUrl);
    expect(await run('start', '--state', path.join(folder, 'second'), '--port', port)).toBe(3);
    expect(err).toContain('port is in use');
  });

  test('invites, shows and admits a site', async () => {
    expect(await run('invite', 'basel', ...state)).toBe(0);
    const token = out.trim();
    expect(decodeInvitation(token)).toMatchObject({ site: 'basel', url: coordinator.running.publicUrl });
    expect(await run('sites', ...state)).toBe(0);
    expect(out).toMatch(/basel +invited/);
    expect(await run('admit', 'basel', ...state)).toBe(4);
    expect(err).toContain('site-unknown');
    basel = await joinTestSite(token);
    await run('sites', ...state, '--json');
    expect(JSON.parse(out).sites).toMatchObject([{ site: 'basel', status: 'pending', connected: false }]);
    expect(await run('study', 'launch', await planFile('early.json', JSON.stringify(plan)), ...state)).toBe(4);
    expect(err).toContain('too-few-sites');
    expect(await run('admit', 'basel', ...state)).toBe(0);
    expect(await run('invite', 'basel', ...state)).toBe(4);
    expect(err).toContain('site-exists');
  });

  test('refuses plans that are none, and says where they are wrong', async () => {
    const wrong = { ...plan, participation: { ...plan.participation, quorum: 0 }, surplus: 1 };
    expect(await run('study', 'launch', await planFile('wrong.yaml', stringify(wrong)), ...state)).toBe(1);
    expect(err).toContain('participation.quorum');
    expect(err).toContain('surplus');
    for (const [name, text] of [
      ['twice.yaml', 'name: a\nname: b\n'],
      ['tag.yaml', 'name: !!js/function "x"\n'],
      ['broken.yaml', 'name: [\n'],
      ['laugh.yaml', `a: &a [x]\n${Array.from({ length: 200 }, (_, i) => `b${i}: *a`).join('\n')}`],
      ['broken.json', '{'],
      ['empty.json', ''],
    ] as const) {
      expect([1, 2]).toContain(await run('study', 'launch', await planFile(name, text), ...state));
      expect(err).toContain('plan');
    }
    expect(await run('study', 'launch', path.join(folder, 'absent.yaml'), ...state)).toBe(2);
  });

  test('launches a YAML plan, shows its status, and says what a study waits for', async () => {
    expect(await run('status', ...state)).toBe(0);
    expect(out).toContain('no studies');
    expect(await run('study', 'launch', await planFile('pilot.yaml', stringify(plan)), ...state)).toBe(0);
    expect(out).toContain(planHash(plan));
    expect(await run('status', ...state)).toBe(0);
    expect(out).toContain('basel has not answered: not connected');
    expect(out).toMatch(/waits at most \d+ s longer, then it fails the study/);
    expect(await run('status', 'pilot', ...state, '--json')).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      running: true,
      status: {
        name: 'pilot',
        waitingFor: [{ site: 'basel', why: 'has-not-answered', state: 'not-connected' }],
        atDeadline: 'fails-the-study',
      },
      state: { phase: { kind: 'waiting-for-sites' } },
    });
    expect(await run('status', 'nothing', ...state)).toBe(2);
    expect(err).toContain('pilot');
    expect(await run('study', 'launch', await planFile('pilot.yaml', stringify(plan)), ...state)).toBe(4);
    expect(err).toContain('study-exists');
  });

  test('pauses a study, which gives no work then, and lets it go on with the time it had', async () => {
    expect(await run('study', 'pause', 'pilot', ...state)).toBe(0);
    expect(out).toContain('study resume pilot');
    expect(await basel.work()).toMatchObject({ kind: 'idle', mayFinish: [planHash(plan)] });
    expect(await run('status', 'pilot', ...state)).toBe(0);
    expect(out).toMatch(/paused since \d+ s; \d+ s of its time are left/);
    expect(out).toContain('basel has not answered: connected');
    expect(await run('study', 'pause', 'pilot', ...state, '--json')).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      deadlineMillis: null,
      atDeadline: null,
      paused: { sinceMillis: expect.any(Number) },
    });
    expect(await run('study', 'resume', 'pilot', ...state)).toBe(0);
    expect(await basel.work()).toMatchObject({ kind: 'prepare' });
  });

  test('exports what there is, and ends a study', async () => {
    await basel.doWork(await basel.work());
    expect(await run('study', 'abort', planHash(plan).slice(0, 8), ...state)).toBe(0);
    expect(await run('status', 'pilot', ...state)).toBe(0);
    expect(out).toContain('aborted');
    for (const command of ['pause', 'resume']) {
      expect(await run('study', command, 'pilot', ...state)).toBe(4);
      expect(err).toContain('study-over');
    }
    const results = path.join(folder, 'results');
    expect(await run('export', 'pilot', '--out', results, ...state)).toBe(0);
    const files = await readdir(results);
    expect(files.sort()).toEqual(out.trim().split('\n').sort());
    expect(files).toContain('report.json');
    expect(JSON.parse(await readFile(path.join(results, 'report.json'), 'utf8')).study).toMatchObject({
      hash: planHash(plan),
    });
  });

  test('shows and exports studies while the coordinator is not running', async () => {
    const stopped = await startTestCoordinator();
    await stopped.join('basel');
    await stopped.launch(plan);
    await stopped.running.close();
    expect(await run('status', '--state', stopped.folder)).toBe(0);
    expect(out).toContain('not running');
    expect(out).toContain('pilot');
    expect(await run('export', 'pilot', '--out', path.join(folder, 'stopped'), '--state', stopped.folder)).toBe(0);
    await rm(stopped.folder, { recursive: true });
  });
});

async function planFile(name: string, text: string): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, text);
  return file;
}
