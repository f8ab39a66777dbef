import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EgressEntry } from '@wardround/protocols/audit/egress-record.ts';
import { generateIdentity } from '@wardround/shared/crypto/identity.ts';
import { openAppendFile } from '@wardround/shared/files/append-file.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DamagedStateError } from '../state/state-file.ts';
import { EgressLedgerError, openEgressLedger } from './egress-ledger.ts';

const identity = generateIdentity();
const hash = 'a'.repeat(64);
const entry: EgressEntry = {
  purpose: 'training',
  what: 'sealed-update',
  bytes: 1234,
  sha256: hash,
  destination: hash,
  study: hash,
  stage: 'slices',
  round: 1,
  epsilon: 0.5,
};

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardround-ledger-'));
  path = join(folder, 'audit', 'egress.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

const lines = async () => (await readFile(path, 'utf8')).split('\n').slice(0, -1);

async function recordRounds(...rounds: readonly number[]): Promise<void> {
  const ledger = await openEgressLedger(folder, { identity, nowMillis: () => 1000 });
  await Promise.all(rounds.map((round) => ledger.record({ ...entry, round })));
  await ledger.close();
}

describe('openEgressLedger()', () => {
  test('has each record on the disk, in order, when it resolves, also across restarts', async () => {
    await recordRounds(1, 2);
    await recordRounds(3);
    const records = (await lines()).map((line) => JSON.parse(line));
    expect(records.map(({ seq, round }) => [seq, round])).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
    expect(records[2]).toMatchObject({ ...entry, round: 3, atMillis: 1000, prevHash: records[1].hash });
    expect((await stat(path)).mode & 0o077).toBe(0);
  });

  test('drops a last line that a power cut left unfinished', async () => {
    await recordRounds(1, 2);
    const whole = await readFile(path, 'utf8');
    for (const torn of ['{"bytes":12', whole.split('\n')[1]!]) {
      await appendFile(path, torn);
      await (await openEgressLedger(folder, { identity })).close();
      expect(await readFile(path, 'utf8')).toBe(whole);
    }
  });

  test('keeps a record whose signature a crash prevented, and goes on after it', async () => {
    await recordRounds(1);
    const headFile = join(folder, 'audit', 'egress-head.json');
    const before = await readFile(headFile);
    await recordRounds(2);
    await writeFile(headFile, before);
    await recordRounds(3);
    expect(await lines()).toHaveLength(3);
    await (await openEgressLedger(folder, { identity })).close();
  });

  test('refuses to start on a ledger that is damaged before its end, and says what to do', async () => {
    await recordRounds(1, 2, 3);
    await writeFile(path, (await readFile(path, 'utf8')).replace('"round":2', '"round":9'));
    const opened = openEgressLedger(folder, { identity });
    await expect(opened).rejects.toThrow(DamagedStateError);
    await expect(opened).rejects.toThrow(
      /^Cannot send anything: The record in line 2 .* was edited .* Restore the folder audit/,
    );
  });

  test('refuses to start on a ledger whose end was cut off', async () => {
    await recordRounds(1, 2, 3);
    await writeFile(path, `${(await lines()).slice(0, 2).join('\n')}\n`);
    await expect(openEgressLedger(folder, { identity })).rejects.toThrow(/3 records were signed, found 2/);
  });

  test('writes whole lines again after a write that failed in the middle', async () => {
    let fails = false;
    const ledger = await openEgressLedger(folder, {
      identity,
      openFile: async (file) => {
        const real = await openAppendFile(file);
        const append = async (text: string) => {
          if (!fails) return real.append(text);
          await real.append(text.slice(0, 20));
          throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
        };
        return { ...real, append };
      },
    });
    await ledger.record(entry);
    fails = true;
    await expect(ledger.record(entry)).rejects.toThrow(EgressLedgerError);
    fails = false;
    await ledger.record({ ...entry, round: 2 });
    await ledger.close();
    expect((await lines()).map((line) => JSON.parse(line).round)).toEqual([1, 2]);
    await (await openEgressLedger(folder, { identity })).close();
  });

  test('lets at most one record stand that is not signed, so that a cut is still told from a crash', async () => {
    await recordRounds(1);
    const headFile = join(folder, 'audit', 'egress-head.json');
    const before = await readFile(headFile);
    const ledger = await openEgressLedger(folder, { identity });
    await ledger.record({ ...entry, round: 2 });
    await rm(headFile);
    await mkdir(headFile);
    for (let attempt = 0; attempt < 3; attempt++) await expect(ledger.record(entry)).rejects.toThrow(EgressLedgerError);
    expect(await lines()).toHaveLength(3);
    await rm(headFile, { recursive: true });
    await writeFile(headFile, before);
    await ledger.record({ ...entry, round: 4 });
    await ledger.close();
    expect(await lines()).toHaveLength(4);
    await (await openEgressLedger(folder, { identity })).close();
  });

  test('records nothing that is not a number, a hash or a known word', async () => {
    const ledger = await openEgressLedger(folder, { identity });
    const personal = { ...entry, what: 'Hans Kanarienvogel' } as unknown as EgressEntry;
    await expect(ledger.record(personal)).rejects.toThrow(EgressLedgerError);
    await expect(ledger.record({ ...entry, path: '/data' } as EgressEntry)).rejects.toThrow(EgressLedgerError);
    await ledger.close();
    expect(await readFile(path, 'utf8')).toBe('');
  });
});
