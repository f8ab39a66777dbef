import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { witnessKey } from '@wardround/protocols/audit/checkpoint.ts';
import { signLedgerHead } from '@wardround/protocols/audit/egress-head.ts';
import { signPrivacyHead } from '@wardround/protocols/audit/privacy-head.ts';
import { cosignNote, parseNote } from '@wardround/protocols/audit/signed-note.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { logFile } from '../audit/audit-folder.ts';
import { openAuditLog } from '../audit/audit-log.ts';
import { readAuditFolder } from '../audit/read-audit.ts';
import { ledgerHeads } from './ledger-heads.ts';

const coordinator = generateIdentity();
const keys = publicKeys(coordinator);
const site = generateIdentity();
const clinic = { site: 'clinic', signingKey: publicKeys(site).signingKey };
const log = { fingerprint: fingerprint(keys), signingKey: keys.signingKey };
const [egress, privacy] = [
  { size: 4, hash: sha256Hex('egress') },
  { size: 2, hash: sha256Hex('privacy') },
];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'ledger-heads-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(): Promise<void> {
  const audit = await openAuditLog(folder, { identity: coordinator, now: () => 7 });
  await audit.append([{ kind: 'site-admitted', ...clinic }]);
  await audit.checkpoint();
  const note = (await audit.answer(0)).note!;
  const signer = { ...witnessKey(log, clinic), signingSeed: site.signingSeed };
  const cosignature = cosignNote(parseNote(note).text, signer, { timeSeconds: 8 });
  const heads = { ledger: signLedgerHead(egress, site), privacy: signPrivacyHead(privacy, site) };
  await audit.cosign({ size: 1, cosignature, ...heads }, clinic);
  await audit.checkpoint();
  await audit.close();
}

describe('ledgerHeads()', () => {
  test('gives the newest checkpoint that a site has cosigned, and what each site has shown', async () => {
    await write();
    const heads = ledgerHeads((await readAuditFolder(folder))!, keys);
    expect(heads?.coordinatorLog).toMatchObject({
      records: 1,
      cosignatures: 1,
      root: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(heads?.sites).toEqual([
      { site: 'clinic', egress: { records: 4, hash: egress.hash }, privacy: { records: 2, hash: privacy.hash } },
    ]);
  });

  test('is null before the first checkpoint, and vouches for no log that was changed', async () => {
    expect(await readAuditFolder(folder)).toBeNull();
    expect(ledgerHeads({ lines: [], checkpoints: [] }, keys)).toBeNull();
    await write();
    await writeFile(logFile(folder), '');
    const emptied = await readAuditFolder(folder);
    expect(() => ledgerHeads(emptied!, keys)).toThrow('Cannot report the ledgers');
  });
});
