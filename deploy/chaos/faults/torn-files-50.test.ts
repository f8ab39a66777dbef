/**
 * Fault 50, byte by byte: the last record of each journal and ledger cut at every byte, and bytes in the middle turned over.
 * What nobody was told of may be dropped; all else is refused with a sentence that says what to do. What whole programs do on
 * such files is in damaged-files.test.ts.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { egressLedgerPath } from '@wardround/client/audit/audit-files.ts';
import { openEgressLedger } from '@wardround/client/audit/egress-ledger.ts';
import { keepSession, readKeptSession } from '@wardround/client/state/kept-session.ts';
import { openSiteIdentity } from '@wardround/client/state/site-identity.ts';
import { DamagedStateError } from '@wardround/client/state/state-file.ts';
import { logFile } from '@wardround/coordinator/audit/audit-folder.ts';
import { AuditLogDamagedError, openAuditLog } from '@wardround/coordinator/audit/audit-log.ts';
import { completeLog } from '@wardround/coordinator/audit/audited-journal.ts';
import { createJournal } from '@wardround/coordinator/storage/journal.ts';
import { openDatabase } from '@wardround/coordinator/storage/open-database.ts';
import type { LogEntry } from '@wardround/protocols/audit/log-record.ts';
import { studyEventHash } from '@wardround/protocols/audit/log-record.ts';
import { StudyEvent } from '@wardround/protocols/round/events.ts';
import vector from '@wardround/protocols/round/test-vectors/journal.json' with { type: 'json' };
import type { SiteState } from '@wardround/protocols/secure-aggregation/site-state.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { generateIdentity } from '@wardround/shared/crypto/identity.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chaosSeed, withSeed } from '../seed/chaos-seed.ts';

const events = vector.events.map((event) => StudyEvent.parse(event));
const study = sha256Hex('study');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'torn-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The files of a database that was never closed, as a power cut leaves them; the last append is one transaction. */
async function cutDatabase(): Promise<{ file: string; before: number }> {
  const file = path.join(folder, 'whole.sqlite');
  await using database = await openDatabase({ kind: 'sqlite', file });
  const journal = createJournal(database);
  const before = events.length - 2;
  await journal.append(study, events.slice(0, before), { position: 0 });
  writeFileSync(path.join(folder, 'first.wal'), readFileSync(`${file}-wal`));
  await journal.append(study, events.slice(before), { position: before });
  const copy = path.join(folder, 'cut.sqlite');
  for (const ending of ['', '-wal']) copyFileSync(file + ending, copy + ending);
  return { file: copy, before };
}

/** What a coordinator reads from these files: the events, or the error that it does not start for. */
async function readingOf(file: string): Promise<{ events: readonly StudyEvent[] } | { error: Error }> {
  try {
    await using database = await openDatabase({ kind: 'sqlite', file });
    return { events: await createJournal(database).read(study) };
  } catch (error) {
    return { error: error as Error };
  }
}

describe('the coordinator’s database', () => {
  test('fault 50: is whole or without its last append, wherever that is cut off, and never in between', async () => {
    const { file, before } = await cutDatabase();
    const [main, wal] = [readFileSync(file), readFileSync(`${file}-wal`)];
    const last = readFileSync(path.join(folder, 'first.wal')).length;
    expect(wal.length).toBeGreaterThan(last);
    const lengths = new Set<number>();
    for (let keep = last; keep <= wal.length; keep += keep > wal.length - 40 ? 1 : 61) {
      writeFileSync(file, main);
      writeFileSync(`${file}-wal`, wal.subarray(0, keep));
      const found = await readingOf(file);
      if ('error' in found) throw new Error(`cut to ${keep} bytes: ${found.error.message}`);
      expect(found.events).toEqual(events.slice(0, found.events.length));
      lengths.add(found.events.length);
    }
    expect([...lengths].sort((a, b) => a - b)).toEqual([before, events.length]);
  });

  test('fault 50: an append that was logged and is gone is missed at the start', async () => {
    const identity = generateIdentity();
    const log = await openAuditLog(folder, { identity, now: () => 7 });
    await log.append(
      events.map((event, position) => ({ kind: 'study-event', study, position, event: studyEventHash(event) })),
    );
    await log.close();
    const { file, before } = await cutDatabase();
    writeFileSync(`${file}-wal`, readFileSync(path.join(folder, 'first.wal')));
    await using database = await openDatabase({ kind: 'sqlite', file });
    const journal = createJournal(database);
    expect(await journal.read(study)).toHaveLength(before);
    const again = await openAuditLog(folder, { identity, now: () => 7 });
    await expect(completeLog(again, { journal, sites: [] })).rejects.toThrow(/Cannot start.*from one backup/s);
    await again.close();
  });

  test('fault 50: with a byte of its file turned over is refused by name, or all of it is as it was', async () => {
    const file = path.join(folder, 'closed.sqlite');
    await (async () => {
      await using database = await openDatabase({ kind: 'sqlite', file });
      await createJournal(database).append(study, events, { position: 0 });
    })();
    const whole = readFileSync(file);
    const seed = chaosSeed();
    const repeat = (used: number) => `WARDROUND_CHAOS_SEED=${used} npx vitest run torn-files-50`;
    await withSeed({ seed, repeat }, async () => {
      const random = createRandom(`torn/${seed}`);
      const refusals = new Set<string>();
      for (let tries = 0; tries < 150; tries += 1) {
        const damaged = Buffer.from(whole);
        // One in three hits what SQLite itself goes by.
        const byte = random.int(tries % 3 === 0 ? 200 : whole.length);
        damaged[byte] = damaged[byte]! ^ (1 + random.int(255));
        writeFileSync(file, damaged);
        for (const ending of ['-wal', '-shm']) await rm(file + ending, { force: true });
        const found = await readingOf(file);
        if ('events' in found) {
          // Elsewhere than in the journal, or in what SQLite does not read; events less are some that were logged.
          expect(found.events, `byte ${byte}`).toEqual(events.slice(0, found.events.length));
          continue;
        }
        refusals.add(found.error.name);
        expect(found.error.message, `byte ${byte}`).toMatch(/Restore|newer|readonly/);
      }
      expect(refusals).toContain('JournalDamagedError');
      expect(refusals).toContain('DatabaseDamagedError');
    });
  });
});

describe('the audit log', () => {
  const identity = generateIdentity();
  const open = () => openAuditLog(folder, { identity, now: () => 7 });
  const entry = (position: number): LogEntry => ({ kind: 'study-event', study, position, event: 'b'.repeat(64) });

  test('fault 50: drops a last record that no checkpoint is of, and no other, wherever it is cut', async () => {
    const log = await open();
    await log.append([entry(0), entry(1)]);
    await log.checkpoint();
    await log.append([entry(2)]);
    await log.close();
    const whole = readFileSync(logFile(folder));
    const last = whole.lastIndexOf('\n', whole.length - 2) + 1;
    for (let keep = whole.length - 1; keep >= last; keep -= 1) {
      writeFileSync(logFile(folder), whole.subarray(0, keep));
      const cut = await open();
      expect(cut.before, `${keep} bytes`).toHaveLength(2);
      await cut.close();
    }
    for (let keep = last - 1; keep >= 0; keep -= 7) {
      writeFileSync(logFile(folder), whole.subarray(0, keep));
      await expect(open(), `${keep} bytes`).rejects.toThrow(AuditLogDamagedError);
    }
    for (let byte = 0; byte < last; byte += 5) {
      const damaged = Buffer.from(whole);
      damaged[byte] = damaged[byte]! ^ (1 << (byte % 7));
      writeFileSync(logFile(folder), damaged);
      await expect(open(), `byte ${byte}`).rejects.toThrow(/Cannot start.*Restore/s);
    }
  });
});

describe('a site', () => {
  test('fault 50: drops an unfinished record of its egress ledger at every byte, and misses a signed one', async () => {
    const identity = await openSiteIdentity(folder);
    const told = {
      purpose: 'preparation',
      what: 'data-counts',
      study,
      stage: null,
      round: null,
      epsilon: null,
    } as const;
    const record = { ...told, bytes: 7, sha256: sha256Hex('sent'), destination: sha256Hex('coordinator') };
    const ledger = await openEgressLedger(folder, { identity });
    await ledger.record(record);
    await ledger.record(record);
    await ledger.close();
    const whole = readFileSync(egressLedgerPath(folder));
    const last = whole.lastIndexOf('\n', whole.length - 2) + 1;
    for (let bytes = 1; bytes < whole.length - last; bytes += 1) {
      writeFileSync(egressLedgerPath(folder), Buffer.concat([whole, whole.subarray(last, last + bytes)]));
      const again = await openEgressLedger(folder, { identity });
      expect(again.head().size).toBe(2);
      await again.close();
      expect(readFileSync(egressLedgerPath(folder))).toEqual(whole);
    }
    for (let keep = whole.length - 1; keep >= 0; keep -= keep >= last ? 1 : 11) {
      writeFileSync(egressLedgerPath(folder), whole.subarray(0, keep));
      await expect(openEgressLedger(folder, { identity }), `${keep} bytes`).rejects.toThrow(/Cannot send anything/);
    }
  });

  test('fault 50: takes no part of a session that it kept for the whole, and says what not to do', async () => {
    await openSiteIdentity(folder);
    const reference = { study, stage: 'slices' };
    const figures = { loss: 1, steps: 1, samples: 1, seconds: 1 };
    const party = { phase: 'advertised', maskSecret: 'm', shareSecret: 's' } as unknown as SiteState;
    const round = { ...reference, round: 1, model: study, figures, hasVector: true, masked: null };
    await keepSession(folder, { ...round, party });
    const file = path.join(folder, 'sessions', `${study}-slices.json`);
    const whole = readFileSync(file);
    // Its last byte is a line break.
    for (let keep = whole.length - 2; keep >= 0; keep -= 1) {
      writeFileSync(file, whole.subarray(0, keep));
      const read = readKeptSession(folder, reference);
      await expect(read, `${keep} bytes`).rejects.toThrow(DamagedStateError);
      await expect(read).rejects.toThrow(/Do not restore an old copy/);
    }
  });
});
