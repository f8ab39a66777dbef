/**
 * Fault 50: files that are torn off or have a bit turned over. What a kill can leave behind (a last record that is not whole)
 * is dropped or taken from the journal; everything else is noticed before anything is built on it.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { egressLedgerPath } from '@wardround/client/audit/audit-files.ts';
import { openEgressLedger } from '@wardround/client/audit/egress-ledger.ts';
import { readSiteIdentity } from '@wardround/client/state/site-identity.ts';
import { DamagedStateError } from '@wardround/client/state/state-file.ts';
import { logFile } from '@wardround/coordinator/audit/audit-folder.ts';
import { stateFolder } from '@wardround/coordinator/storage/state-folder.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { runCoordinator } from '../consortium/run-coordinator.ts';
import { type Consortium, startConsortium } from '../consortium/start-consortium.ts';
import { editJournal, flipBit, tearFile } from '../disk/damage-file.ts';

let consortium: Consortium;
let copies: string;
let copied = 0;

beforeAll(async () => {
  copies = await mkdtemp(path.join(tmpdir(), 'damaged-'));
  consortium = await startConsortium({ sites: 3 });
  const study = await consortium.launch(chaosPlan({ name: 'whole', rounds: 1, quorum: 3 }));
  for (const site of consortium.sites) site.start({ where: 'here' });
  expect((await consortium.untilOver(study)).phase).toEqual({ kind: 'finished' });
  for (const site of consortium.sites) await site.party().stop();
  await consortium.coordinator().stop();
});
afterAll(async () => {
  await consortium.close();
  await rm(copies, { recursive: true });
});

async function copyOf(folder: string): Promise<string> {
  const copy = path.join(copies, String(copied++));
  await cp(folder, copy, { recursive: true });
  return copy;
}

/** Starts a coordinator on a copy of the state after it was damaged, and stops it. */
async function startOn(damage: (folder: string) => unknown): Promise<void> {
  const folder = await copyOf(consortium.coordinatorFolder);
  await damage(folder);
  const logFileOfCopy = path.join(copies, 'coordinator.log');
  const running = await runCoordinator({
    stateFolder: folder,
    publicUrl: 'http://127.0.0.1:1',
    logFile: logFileOfCopy,
  });
  await running.close();
}

/** Where the last line and one in the middle begin. */
async function linesOf(file: string): Promise<{ size: number; last: number; middle: number }> {
  const text = await readFile(file);
  const last = text.lastIndexOf('\n', text.length - 2) + 1;
  return { size: text.length, last, middle: text.lastIndexOf('\n', Math.floor(text.length / 2)) + 1 };
}

const auditLog = (folder: string) => logFile(stateFolder(folder).audit);

describe('a coordinator on damaged files', () => {
  test('starts when nothing is wrong', async () => {
    await startOn(() => undefined);
  });

  test('refuses a journal in which one character has changed, and says so', async () => {
    const edit = (event: string) => event.replace('"atMillis":1', '"atMillis":2');
    const started = startOn((folder) => editJournal(stateFolder(folder).database, { position: 3, edit }));
    await expect(started).rejects.toMatchObject({ name: 'JournalDamagedError' });
  });

  test('refuses an audit log with a bit turned over in its middle', async () => {
    const started = startOn(async (folder) => {
      const { middle } = await linesOf(auditLog(folder));
      flipBit(auditLog(folder), { byte: middle + 40 });
    });
    await expect(started).rejects.toMatchObject({ name: 'AuditLogDamagedError' });
  });

  test('refuses an audit log that lacks what a checkpoint has signed, wherever it is torn', async () => {
    const { size, last } = await linesOf(auditLog(consortium.coordinatorFolder));
    for (const keepBytes of [0, last - 1, last, Math.floor((last + size) / 2), size - 1]) {
      const seen = startOn((folder) => tearFile(auditLog(folder), { keepBytes })).then(
        () => 'started',
        (error: Error) => error.name,
      );
      // The records after the newest checkpoint are taken from the journal again; those before it must be there.
      expect(['AuditLogDamagedError', ...(keepBytes >= last ? ['started'] : [])]).toContain(await seen);
    }
  });
});

describe('a site on damaged files', () => {
  test('drops an unfinished last record of its egress ledger, torn at any place, once it is the unsigned one', async () => {
    const { folder } = consortium.sites[0]!;
    const { size, last } = await linesOf(egressLedgerPath(folder));
    const identity = (await readSiteIdentity(folder))!;
    const copy = await copyOf(folder);
    // A record that nobody has signed yet, as a kill leaves it: the next one, unfinished.
    const whole = await readFile(egressLedgerPath(folder));
    for (let bytes = 1; bytes < size - last; bytes += 5) {
      await writeFile(egressLedgerPath(copy), Buffer.concat([whole, whole.subarray(last, last + bytes)]));
      const ledger = await openEgressLedger(copy, { identity });
      await ledger.close();
      expect((await readFile(egressLedgerPath(copy))).length).toBe(size);
    }
  });

  test('sends nothing with a bit of its egress ledger turned over, at whichever byte', async () => {
    const { folder } = consortium.sites[0]!;
    const identity = (await readSiteIdentity(folder))!;
    const copy = await copyOf(folder);
    const { middle } = await linesOf(egressLedgerPath(copy));
    for (let byte = middle; byte < middle + 120; byte += 1) {
      flipBit(egressLedgerPath(copy), { byte, bit: byte % 7 });
      await expect(openEgressLedger(copy, { identity })).rejects.toThrow(DamagedStateError);
      flipBit(egressLedgerPath(copy), { byte, bit: byte % 7 });
    }
    await (await openEgressLedger(copy, { identity })).close();
  });
});
