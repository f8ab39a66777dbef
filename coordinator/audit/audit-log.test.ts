import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { witnessKey } from '@wardround/protocols/audit/checkpoint.ts';
import { signLedgerHead } from '@wardround/protocols/audit/egress-head.ts';
import type { LogEntry } from '@wardround/protocols/audit/log-record.ts';
import { signPrivacyHead } from '@wardround/protocols/audit/privacy-head.ts';
import { cosignNote, parseNote } from '@wardround/protocols/audit/signed-note.ts';
import { verifyLog } from '@wardround/protocols/audit/verify-log.ts';
import { followLog } from '@wardround/protocols/audit/watch-log.ts';
import { fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { openAppendFile } from '@wardround/shared/files/append-file.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { logFile } from './audit-folder.ts';
import { type AuditLog, AuditLogDamagedError, openAuditLog } from './audit-log.ts';

const identity = generateIdentity();
const keys = publicKeys(identity);
const log = { fingerprint: fingerprint(keys), signingKey: keys.signingKey };
const site = generateIdentity();
const clinic = { site: 'clinic', signingKey: publicKeys(site).signingKey };
const admission: LogEntry = { kind: 'site-admitted', ...clinic };
const study = 'a'.repeat(64);
const event = (position: number): LogEntry => ({ kind: 'study-event', study, position, event: 'b'.repeat(64) });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wardround-audit-'));
});
afterEach(() => rm(folder, { recursive: true }));

const open = () => openAuditLog(folder, { identity, now: () => 7 });
const lines = async () => (await readFile(logFile(folder), 'utf8')).split('\n').slice(0, -1);
const notes = async () => {
  const names = await readdir(path.join(folder, 'checkpoints'));
  return Promise.all(names.map((name) => readFile(path.join(folder, 'checkpoints', name), 'utf8')));
};

async function logged(use: (audit: AuditLog) => Promise<void>): Promise<void> {
  const audit = await open();
  await use(audit);
  await audit.close();
}

function cosignatureOf(note: string, ledger = { size: 4, hash: study }, signer = site) {
  const { text } = parseNote(note);
  const key = { ...witnessKey(log, clinic), signingSeed: signer.signingSeed };
  const cosignature = cosignNote(text, key, { timeSeconds: 9 });
  return { size: Number(text.split('\n')[1]), cosignature, ledger: signLedgerHead(ledger, signer) };
}

describe('openAuditLog()', () => {
  test('goes on where it was, and each checkpoint follows from those before', async () => {
    await logged(async (audit) => {
      await audit.append([admission, event(0)]);
      expect(await audit.answer(0)).toEqual({ note: null, consistency: [] });
      await audit.checkpoint();
      await audit.checkpoint();
    });
    let seen = '';
    await logged(async (audit) => {
      expect(audit.before).toHaveLength(2);
      seen = (await audit.answer(0)).note!;
      await audit.append([event(1)]);
      await audit.append([event(2)]);
      await audit.checkpoint();
      expect(followLog(await audit.answer(2), { seen, log })?.size).toBe(4);
    });
    expect(verifyLog(await lines(), { log, checkpoints: await notes(), seenElsewhere: [seen] })).toMatchObject({
      ok: true,
      checkpoints: 2,
    });
  });

  test('keeps a site’s cosignature under the checkpoint, and its ledger’s head in the log', async () => {
    await logged(async (audit) => {
      await audit.append([admission]);
      await audit.checkpoint();
      const offer = cosignatureOf((await audit.answer(0)).note!);
      await audit.cosign(offer, clinic);
      await audit.cosign(offer, clinic);
      expect(parseNote((await audit.answer(0)).note!).signatures).toHaveLength(1);
    });
    expect(verifyLog(await lines(), { log, checkpoints: await notes() })).toMatchObject({ ok: true, cosignatures: 1 });
    expect(JSON.parse((await lines())[1]!)).toMatchObject({ kind: 'site-ledger', site: 'clinic', ledger: { size: 4 } });
  });

  test('keeps the head of a site’s privacy ledger, and refuses one with fewer charges', async () => {
    const charged = (size: number, by = site) => ({
      privacy: signPrivacyHead({ size, hash: String(size).repeat(64) }, by),
    });
    await logged(async (audit) => {
      await audit.append([admission]);
      await audit.checkpoint();
      const offer = cosignatureOf((await audit.answer(0)).note!);
      const forged = audit.cosign({ ...offer, ...charged(2, generateIdentity()) }, clinic);
      await expect(forged).rejects.toMatchObject({ code: 'cosignature-invalid' });
      await audit.cosign({ ...offer, ...charged(2) }, clinic);
      await audit.cosign({ ...offer, ...charged(2) }, clinic);
      await audit.cosign(offer, clinic);
    });
    await logged(async (audit) => {
      const offer = cosignatureOf((await audit.answer(0)).note!);
      const refused = { code: 'privacy-ledger-rolled-back' };
      await expect(audit.cosign({ ...offer, ...charged(1) }, clinic)).rejects.toMatchObject(refused);
      await audit.cosign({ ...offer, ...charged(3) }, clinic);
    });
    const kinds = (await lines()).map((line) => JSON.parse(line).kind);
    expect(kinds).toEqual(['site-admitted', 'site-ledger', 'site-privacy-ledger', 'site-privacy-ledger']);
    expect(verifyLog(await lines(), { log, checkpoints: await notes() })).toMatchObject({ ok: true });
  });

  test('refuses a cosignature by another, and a ledger that was rolled back, also after a restart', async () => {
    await logged(async (audit) => {
      await audit.append([admission]);
      await audit.checkpoint();
      const note = (await audit.answer(0)).note!;
      const refusal = (offer: ReturnType<typeof cosignatureOf>) => expect(audit.cosign(offer, clinic)).rejects;
      await refusal(cosignatureOf(note, undefined, generateIdentity())).toMatchObject({ code: 'cosignature-invalid' });
      await refusal({ ...cosignatureOf(note), cosignature: 'x' }).toMatchObject({ code: 'cosignature-invalid' });
      await refusal({ ...cosignatureOf(note), size: 9 }).toMatchObject({ code: 'checkpoint-unknown' });
      await audit.cosign(cosignatureOf(note), clinic);
    });
    await logged(async (audit) => {
      const older = cosignatureOf((await audit.answer(0)).note!, { size: 3, hash: study });
      await expect(audit.cosign(older, clinic)).rejects.toMatchObject({ code: 'ledger-rolled-back' });
      const forked = cosignatureOf((await audit.answer(0)).note!, { size: 4, hash: 'c'.repeat(64) });
      await expect(audit.cosign(forked, clinic)).rejects.toMatchObject({ code: 'ledger-rolled-back' });
    });
  });

  test('takes the cosignature of a site with new keys into a log that verifies by itself', async () => {
    const rotated = generateIdentity();
    const { signingKey } = publicKeys(rotated);
    await logged(async (audit) => {
      await audit.append([admission]);
      await audit.checkpoint();
      const { text } = parseNote((await audit.answer(0)).note!);
      const key = { ...witnessKey(log, { site: 'clinic', signingKey }), signingSeed: rotated.signingSeed };
      const ledger = signLedgerHead({ size: 4, hash: study }, rotated);
      const offer = { size: 1, cosignature: cosignNote(text, key, { timeSeconds: 9 }), ledger };
      await audit.cosign(offer, { site: 'clinic', signingKey });
    });
    await logged(async (audit) => {
      expect(audit.before.map(({ kind }) => kind)).toEqual(['site-admitted', 'site-admitted', 'site-ledger']);
    });
    expect(verifyLog(await lines(), { log, checkpoints: await notes() })).toMatchObject({ ok: true, cosignatures: 1 });
  });

  test('loses nothing when the disk is full for a while, and signs nothing meanwhile', async () => {
    let isFull = false;
    const audit = await openAuditLog(folder, {
      identity,
      now: () => 7,
      openFile: async (file) => {
        const real = await openAppendFile(file);
        const append = async (text: string) => {
          await real.append(isFull ? text.slice(0, 10) : text);
          if (isFull) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
        };
        return { ...real, append };
      },
    });
    isFull = true;
    await expect(audit.append([event(0)])).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(audit.checkpoint()).rejects.toMatchObject({ code: 'ENOSPC' });
    expect((await audit.answer(0)).note).toBeNull();
    isFull = false;
    await audit.append([event(1)]);
    await audit.close();
    expect((await lines()).map((line) => JSON.parse(line).position)).toEqual([0, 1]);
  });

  test('drops a torn last line and refuses to start on anything else that is not what was written', async () => {
    await logged(async (audit) => {
      await audit.append([event(0), event(1)]);
      await audit.checkpoint();
    });
    const whole = await readFile(logFile(folder), 'utf8');
    await writeFile(logFile(folder), `${whole}{"atM`);
    await logged(async (audit) => audit.append([]));
    expect(await readFile(logFile(folder), 'utf8')).toBe(whole);
    await writeFile(logFile(folder), `${whole.split('\n')[0]}\n`);
    await expect(open()).rejects.toThrow(AuditLogDamagedError);
    await expect(open()).rejects.toThrow(/a checkpoint stands for 2 records, found 1. Restore the folder audit/);
  });
});
