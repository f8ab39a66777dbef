/** The command by which people at the site read and check what left it, on files that the client itself wrote. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointText, logKey } from '@wardround/protocols/audit/checkpoint.ts';
import type { EgressEntry } from '@wardround/protocols/audit/egress-record.ts';
import { encodeNote, signNote } from '@wardround/protocols/audit/signed-note.ts';
import { fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { leafHash, merkleRoot } from '@wardround/shared/crypto/merkle-tree.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runCli } from '../cli/run-cli.ts';
import { writeMembership } from '../state/membership.ts';
import { openSiteIdentity } from '../state/site-identity.ts';
import { openEgressLedger } from './egress-ledger.ts';
import { watchCoordinator } from './watch-coordinator.ts';

const coordinator = generateIdentity();
const keys = publicKeys(coordinator);
const pinned = { url: 'http://127.0.0.1:1', fingerprint: fingerprint(keys), ...keys };
const entry: EgressEntry = {
  purpose: 'training',
  what: 'sealed-update',
  bytes: 1_234_567,
  sha256: 'a'.repeat(64),
  destination: pinned.fingerprint,
  study: 'b'.repeat(64),
  stage: 'slices',
  round: 1,
  epsilon: 0.5,
};

let folder: string;
let out: string;
let err: string;

/** Records a round's update; then the site sees the coordinator's log. */
async function leave(...rounds: readonly number[]): Promise<void> {
  const identity = await openSiteIdentity(folder);
  const ledger = await openEgressLedger(folder, { identity, nowMillis: () => Date.UTC(2026, 10, 22, 7, 8, 9) });
  for (const round of rounds) await ledger.record({ ...entry, round });
  await ledger.close();
}

async function seeLog(size: number): Promise<string> {
  const leaves = Array.from({ length: size }, (_, index) => leafHash(Buffer.from(String(index))));
  const text = checkpointText({ size, root: merkleRoot(leaves) }, logKey(pinned).name);
  const note = encodeNote(text, [signNote(text, { ...logKey(pinned), signingSeed: coordinator.signingSeed })]);
  const identity = await openSiteIdentity(folder);
  const ledger = await openEgressLedger(folder, { identity });
  const link = { checkpoint: async () => ({ note, consistency: [] }), cosign: async () => undefined };
  const watch = watchCoordinator(folder, { site: 'clinic', identity, coordinator: pinned, link, ledger });
  await watch.check(new AbortController().signal);
  await ledger.close();
  return note;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardround-audit-'));
  [out, err] = ['', ''];
  vi.spyOn(console, 'log').mockImplementation((line) => {
    out += `${line}\n`;
  });
  vi.spyOn(console, 'error').mockImplementation((line) => {
    err += `${line}\n`;
  });
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  await openSiteIdentity(folder);
  await writeMembership(folder, { site: 'clinic', coordinator: pinned, dataDirectory: '/data' });
  await leave(1, 2, 3);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const run = (...words: readonly string[]) => runCli(['audit', ...words, '--state', folder]);
const ledgerFile = () => join(folder, 'audit', 'egress.jsonl');
const headFile = () => join(folder, 'audit', 'egress-head.json');

async function change(edit: (lines: string[]) => readonly string[]): Promise<void> {
  const lines = (await readFile(ledgerFile(), 'utf8')).split('\n').slice(0, -1);
  await writeFile(
    ledgerFile(),
    edit(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

describe('wardround-site audit show', () => {
  test('tells what left, when, how many bytes and why', async () => {
    expect(await run('show')).toBe(0);
    const [headings, first, , , , sum] = out.split('\n');
    expect(headings).toMatch(/^NO {2}WHEN \(UTC\) +BYTES {2}WHAT +WHY +STUDY +ROUND +EPSILON$/);
    expect(first).toMatch(
      /^ 1 {2}2026-11-22 07:08:09 {2}1,234,567 {2}sealed model update {2}to train {2}b{12} {2}slices 1 +0\.500$/,
    );
    expect(sum).toBe('3 records, 3,703,701 bytes in all, repeated attempts included.');
  });

  test('prints the checkpoint that was seen, for the coordinator’s own verification', async () => {
    expect(await run('show', '--checkpoint')).toBe(2);
    const note = await seeLog(4);
    out = '';
    expect(await run('show', '--checkpoint')).toBe(0);
    expect(out).toBe(note);
  });
});

describe('wardround-site audit verify', () => {
  test('finds nothing wrong in what the client wrote', async () => {
    await seeLog(4);
    expect([await run('verify'), err]).toEqual([0, '']);
    expect(out).toContain('The egress ledger is whole: 3 records');
    expect(out).toContain('it was seen with 4 records');
  });

  test('finds a deletion', async () => {
    await change((lines) => lines.toSpliced(1, 1));
    expect(await run('verify')).toBe(1);
    expect(err).toBe(
      'wardround-site: Cannot vouch for the record of what left this site. A record was deleted before line 2 of the egress ledger: its number is missing.\n',
    );
  });

  test('finds an edit, and shows nothing of an edited ledger', async () => {
    await change((lines) => lines.with(0, lines[0]!.replace('1234567', '7')));
    expect([await run('verify'), await run('show'), out]).toEqual([1, 1, '']);
    expect(err).toContain('line 1 of the egress ledger was edited');
  });

  test('finds a reordering', async () => {
    await change((lines) => lines.toReversed());
    expect(await run('verify')).toBe(1);
    expect(err).toContain('were reordered: line 1');
  });

  test('finds a truncation, also of everything', async () => {
    await change((lines) => lines.slice(0, 2));
    expect(await run('verify')).toBe(1);
    expect(err).toContain('cut off: 3 records were signed, found 2');
    await rm(ledgerFile());
    expect(await run('verify')).toBe(1);
    expect(err).toContain('cut off: 3 records were signed, found 0');
  });

  test('finds a fork: records of another history under the same head', async () => {
    const head = await readFile(headFile());
    await rm(join(folder, 'audit'), { recursive: true });
    await leave(1, 9, 3);
    await writeFile(headFile(), head);
    expect(await run('verify')).toBe(1);
    expect(err).toContain('is forked: record 3 is not the one that this site signed');
  });

  test('finds a rollback: ledger and head put back to what they were', async () => {
    for (const file of [ledgerFile(), headFile()]) await copyFile(file, `${file}.old`);
    await leave(4, 5);
    await seeLog(4);
    for (const file of [ledgerFile(), headFile()]) await copyFile(`${file}.old`, file);
    expect(await run('verify')).toBe(1);
    expect(err).toContain('was rolled back: it had 5 records when this site last cosigned');
  });

  test('finds a checkpoint that the coordinator did not sign', async () => {
    await seeLog(4);
    const seen = join(folder, 'audit', 'seen-checkpoint.json');
    await writeFile(seen, (await readFile(seen, 'utf8')).replace('\\n4\\n', '\\n5\\n'));
    expect(await run('verify')).toBe(1);
    expect(err).toContain('is not the coordinator’s');
  });

  test('says when the folder is no site’s, and what the command takes', async () => {
    await rm(join(folder, 'identity.json'));
    expect(await run('verify')).toBe(1);
    expect(err).toContain('Name the site’s folder with --state.');
    expect(await run('explain')).toBe(2);
  });
});
