import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointText, logKey, openCheckpoint, witnessKey } from '@wardround/protocols/audit/checkpoint.ts';
import type { CheckpointAnswer, CosignatureOffer } from '@wardround/protocols/audit/messages.ts';
import { cosignedAt, encodeNote, parseNote, signNote } from '@wardround/protocols/audit/signed-note.ts';
import { encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { consistencyProof, leafHash, merkleRoot } from '@wardround/shared/crypto/merkle-tree.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LogWatch, watchCoordinator } from './watch-coordinator.ts';

const signing = generateIdentity();
const keys = publicKeys(signing);
const coordinator = { fingerprint: fingerprint(keys), signingKey: keys.signingKey };
const identity = generateIdentity();
const own = { site: 'clinic', signingKey: publicKeys(identity).signingKey };
const head = { size: 3, hash: 'a'.repeat(64) };
const { signal } = new AbortController();

/** The coordinator's log; a test may change it as it likes. */
let records: string[];
let asked: number[];
let cosigned: CosignatureOffer[];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardround-watch-'));
  records = ['a', 'b', 'c'];
  asked = [];
  cosigned = [];
});
afterEach(() => rm(folder, { recursive: true }));

function answer(from: number): CheckpointAnswer {
  const leaves = records.map((record) => leafHash(Buffer.from(record)));
  const text = checkpointText({ size: leaves.length, root: merkleRoot(leaves) }, logKey(coordinator).name);
  const note = encodeNote(text, [signNote(text, { ...logKey(coordinator), signingSeed: signing.signingSeed })]);
  const proof = from < leaves.length ? consistencyProof(leaves, from) : [];
  return { note, consistency: proof.map(encodeBase64Url) };
}

/** A client that has just been started on the folder. */
async function keep(offer: CosignatureOffer): Promise<void> {
  cosigned.push(offer);
}

function watchAnew(cosign: (offer: CosignatureOffer) => Promise<void> = keep): LogWatch {
  const checkpoint = async (from: number) => {
    asked.push(from);
    return answer(from);
  };
  const link = { checkpoint, cosign };
  return watchCoordinator(folder, { ...own, identity, coordinator, link, ledger: { head: () => head } });
}

const check = (cosign?: (offer: CosignatureOffer) => Promise<void>) => watchAnew(cosign).check(signal);

const evidence = async () => (await readdir(join(folder, 'audit'))).filter((name) => name.startsWith('evidence'));

describe('watchCoordinator()', () => {
  test('cosigns each checkpoint that follows, once, and shows its own ledger’s head', async () => {
    await check();
    await check();
    records.push('d', 'e');
    await check();
    expect(asked).toEqual([0, 3, 3]);
    expect(cosigned.map(({ size, ledger }) => [size, ledger.size])).toEqual([
      [3, 3],
      [5, 3],
    ]);
    const { note } = openCheckpoint(answer(0).note!, coordinator);
    const line = parseNote(encodeNote(note.text, [cosigned[1]!.cosignature]));
    expect(cosignedAt(line, witnessKey(coordinator, own))).toBeGreaterThan(1_700_000_000);
  });

  test('takes one look after another', async () => {
    const watch = watchAnew();
    await Promise.all([watch.check(signal), watch.check(signal)]);
    expect(asked).toEqual([0, 3]);
    expect(cosigned).toHaveLength(1);
  });

  test('remembers what it cosigns before it does', async () => {
    await expect(check(() => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    const seen = JSON.parse(await readFile(join(folder, 'audit', 'seen-checkpoint.json'), 'utf8'));
    expect(seen).toMatchObject({ note: answer(0).note, ledger: head });
  });

  test('refuses a log that was rolled back and keeps both checkpoints as evidence, once', async () => {
    await check();
    const seen = answer(0).note;
    records.pop();
    await expect(check()).rejects.toMatchObject({ code: 'log-rolled-back' });
    await expect(check()).rejects.toThrow(/it had 3 records when this site saw it last and has 2 now/);
    const [file, ...more] = await evidence();
    expect(more).toEqual([]);
    expect(JSON.parse(await readFile(join(folder, 'audit', file!), 'utf8'))).toMatchObject({
      code: 'log-rolled-back',
      seen,
      offered: answer(0).note,
    });
    expect(cosigned).toHaveLength(1);
  });

  test('refuses a split view and a rewritten log', async () => {
    await check();
    records[1] = 'x';
    await expect(check()).rejects.toMatchObject({ code: 'log-forked' });
    records.push('d');
    await expect(check()).rejects.toMatchObject({ code: 'log-forked' });
    expect(await evidence()).toHaveLength(2);
    expect(cosigned).toHaveLength(1);
  });

  test('goes on once the coordinator shows the log that was seen again', async () => {
    await check();
    const before = [...records];
    records.pop();
    await expect(check()).rejects.toMatchObject({ code: 'log-rolled-back' });
    records = [...before, 'd'];
    await check();
    expect(cosigned.at(-1)?.size).toBe(4);
  });
});
