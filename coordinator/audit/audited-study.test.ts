/** A study's audit from outside: over HTTP as a site watches it, and from the files with the command for people. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { witnessKey } from '@wardround/protocols/audit/checkpoint.ts';
import { signLedgerHead } from '@wardround/protocols/audit/egress-head.ts';
import { CheckpointAnswer } from '@wardround/protocols/audit/messages.ts';
import { cosignNote, parseNote } from '@wardround/protocols/audit/signed-note.ts';
import { followLog } from '@wardround/protocols/audit/watch-log.ts';
import { publicKeys } from '@wardround/shared/crypto/identity.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { runCommandLine } from '../cli/run-command-line.ts';
import { openDatabase } from '../storage/open-database.ts';
import { stateFolder } from '../storage/state-folder.ts';
import { nextWork, startTestCoordinator, type TestCoordinator, testPlan } from '../testing/test-coordinator.ts';
import type { TestSite } from '../testing/test-site.ts';
import { logFile } from './audit-folder.ts';

let coordinator: TestCoordinator;
let sites: TestSite[];
/** Other tests may keep the machine busy. */
const patiently = { timeout: 20_000, interval: 50 };
/** What basel was shown after the first round, and at the end. */
const answers: CheckpointAnswer[] = [];

async function watch({ request }: TestSite, from: number): Promise<CheckpointAnswer> {
  const { status, body } = await request('GET', `/v1/audit/checkpoint?from=${from}`);
  expect(status).toBe(200);
  return CheckpointAnswer.parse(body);
}

const sizeOf = ({ note }: CheckpointAnswer) => Number(parseNote(note!).text.split('\n')[1]);

beforeAll(async () => {
  coordinator = await startTestCoordinator();
  sites = await coordinator.join('basel', 'geneva', 'zurich');
  await coordinator.launch(testPlan());
  for (const step of ['ready', 'slices', 'alignment', 'evaluation']) {
    for (const site of sites) await site.doWork(await nextWork(site));
    if (step === 'slices') await vi.waitFor(async () => answers.push(await firstCheckpoint()), patiently);
  }
  await vi.waitFor(async () => {
    const answer = await watch(sites[0]!, sizeOf(answers[0]!));
    expect(sizeOf(answer)).toBe((await readFile(file(), 'utf8')).split('\n').length - 1);
    answers[1] = answer;
  }, patiently);
}, 60_000);
afterAll(() => coordinator.close());

async function firstCheckpoint(): Promise<CheckpointAnswer> {
  const answer = await watch(sites[0]!, 0);
  expect(answer.note).not.toBeNull();
  return answer;
}

const audit = () => stateFolder(coordinator.folder).audit;
const file = () => logFile(audit());

describe('a study’s audit log', () => {
  test('is followed by a site from checkpoint to checkpoint, and cosigned', async () => {
    const [basel] = sites;
    const { fingerprint, signingKey } = basel!.coordinator;
    const [first, last] = answers;
    const log = { fingerprint, signingKey };
    expect(followLog(first!, { seen: null, log })?.size).toBeGreaterThan(0);
    const checkpoint = followLog(last!, { seen: first!.note, log })!;
    expect(checkpoint.size).toBeGreaterThan(sizeOf(first!));

    const own = { site: 'basel', signingKey: publicKeys(basel!.identity).signingKey };
    const signer = { ...witnessKey(log, own), signingSeed: basel!.identity.signingSeed };
    const cosignature = cosignNote(checkpoint.note.text, signer, { timeSeconds: 1 });
    const ledger = signLedgerHead({ size: 3, hash: 'a'.repeat(64) }, basel!.identity);
    const offer = { size: checkpoint.size, cosignature, ledger };
    expect((await basel!.post('/v1/audit/cosignature', offer)).status).toBe(200);
    const another = await sites[1]!.post('/v1/audit/cosignature', offer);
    expect(another).toMatchObject({ status: 422, body: { code: 'cosignature-invalid' } });
  });

  test('is shown only to sites, and only in its own form', async () => {
    const [basel] = sites;
    const statusOf = async (query: string) => (await basel!.request('GET', `/v1/audit/checkpoint${query}`)).status;
    for (const query of ['', '?from=-1', '?from=1e3', '?from=1&from=2', '?from=1&more=1']) {
      expect(await statusOf(query)).toBe(404);
    }
    expect(await statusOf('?from=999999')).toBe(200);
    expect((await fetch(`${basel!.coordinator.url}/v1/audit/checkpoint?from=0`)).status).toBe(401);
  });

  test('names studies, sites and hashes and nothing that sites reported', async () => {
    const kinds = new Set(
      (await readFile(file(), 'utf8'))
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line).kind),
    );
    expect([...kinds].sort()).toEqual(['site-admitted', 'site-ledger', 'study-event']);
    expect(await readFile(file(), 'utf8')).not.toMatch(/patients|loss|made up/);
  });
});

describe('wardround-coordinator audit verify', () => {
  let out = '';
  let err = '';
  beforeEach(() => {
    [out, err] = ['', ''];
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
  const verify = (...more: readonly string[]) =>
    runCommandLine(['audit', 'verify', '--state', coordinator.folder, ...more]);

  /** Verifies with the log changed, and puts it back. */
  async function verifyChanged(change: (lines: string[]) => readonly string[]): Promise<string> {
    const whole = await readFile(file(), 'utf8');
    await writeFile(
      file(),
      change(whole.split('\n').slice(0, -1))
        .map((line) => `${line}\n`)
        .join(''),
    );
    expect(await verify()).toBe(1);
    await writeFile(file(), whole);
    return err;
  }

  test('finds nothing wrong, also against what a site has seen', async () => {
    const seen = path.join(coordinator.folder, 'seen.note');
    await writeFile(seen, answers[1]!.note!);
    expect([await verify('--checkpoint', seen), err]).toEqual([0, '']);
    expect(out).toMatch(
      /^The audit log is whole: \d+ records, 3 checkpoints, 1 cosignatures by sites; the journals agree\./,
    );
    expect(out).toContain('It begins with what the site has seen.');
  });

  test('finds a deletion, an edit, a reordering and a truncation', async () => {
    expect(await verifyChanged((lines) => lines.toSpliced(4, 1))).toMatch(
      /deleted before line 5 of the coordinator's log/,
    );
    expect(await verifyChanged((lines) => lines.with(4, lines[4]!.replace('"position":', '"position":1')))).toMatch(
      /line 5 of the coordinator's log was edited/,
    );
    expect(await verifyChanged((lines) => lines.with(4, lines[5]!).with(5, lines[4]!))).toMatch(
      /were reordered: line 5/,
    );
    expect(await verifyChanged((lines) => lines.slice(0, -4))).toMatch(/The end of the coordinator's log was cut off/);
  });

  test('finds a rollback: log and checkpoints older than what a site has seen', async () => {
    const seen = path.join(coordinator.folder, 'seen.note');
    const newest = path.join(audit(), 'checkpoints', `${sizeOf(answers[1]!)}.note`);
    const [whole, note] = [await readFile(file(), 'utf8'), await readFile(newest, 'utf8')];
    const sizes = (await readdir(path.join(audit(), 'checkpoints'))).map((name) => Number.parseInt(name, 10));
    const older = sizes.sort((a, b) => a - b).at(-2)!;
    await writeFile(file(), `${whole.split('\n').slice(0, older).join('\n')}\n`);
    await rm(newest);
    expect(await verify('--checkpoint', seen)).toBe(1);
    expect(err).toMatch(/was rolled back: a site has seen it with \d+ records/);
    await writeFile(file(), whole);
    await writeFile(newest, note);
  });

  test('finds a journal that was cut', async () => {
    const database = await openDatabase({ kind: 'sqlite', file: stateFolder(coordinator.folder).database });
    const events = database.tables.selectFrom('events').selectAll();
    const last = await events.orderBy('seq', 'desc').executeTakeFirstOrThrow();
    await database.tables.deleteFrom('events').where('seq', '=', last.seq).execute();
    expect(await verify()).toBe(1);
    expect(err).toMatch(/Events are missing from the journal of study [0-9a-f]{12}/);
    await database.tables.insertInto('events').values(last).execute();
    await database.close();
    expect(await verify()).toBe(0);
  });

  test('says when the folder is no coordinator’s', async () => {
    expect(await runCommandLine(['audit', 'verify', '--state', path.join(coordinator.folder, 'none')])).toBe(3);
    expect(err).toContain('Cannot verify: the state folder holds no coordinator’s keys and audit log.');
  });
});
