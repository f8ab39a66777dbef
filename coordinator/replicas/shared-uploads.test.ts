import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFolderObjects } from '../storage/objects/folder-objects.ts';
import { openUploadFolder } from '../storage/upload-folder.ts';
import type { StagedUploads } from '../storage/uploads/staged-uploads.ts';
import { createFakeClock } from '../testing/fake-clock.ts';
import { openSharedUploads } from './shared-uploads.ts';

const pieceBytes = 1000;
const limits = {
  pieceBytes,
  piecesAtOnce: 3,
  pieceWaitMillis: 100,
  uploadsAtOnce: 2,
  siteBytes: 50_000,
  expiryMillis: 10_000,
};
const random = createRandom('shared uploads');
const content = Uint8Array.from({ length: 4500 }, () => random.int(256));
const place = { study: 'a'.repeat(64), stage: 'slices', round: 1 };
const announcement = { sha256: sha256Hex(content), bytes: content.length, ...place };
const { sha256 } = announcement;

let folder: string;
const clock = createFakeClock(Date.now());
const replica = (): StagedUploads =>
  openSharedUploads(
    { pieces: openFolderObjects(path.join(folder, 'pieces')), uploads: openUploadFolder(path.join(folder, 'uploads')) },
    { clock, limits },
  );
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'shared-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function* slicesOf(bytes: Uint8Array) {
  for (let offset = 0; offset < bytes.length; offset += 300) yield bytes.subarray(offset, offset + 300);
}

function send(to: StagedUploads, number: number, changes: { bytes?: Uint8Array; sha256?: string } = {}) {
  const offset = number * pieceBytes;
  const bytes = changes.bytes ?? content.subarray(offset, offset + pieceBytes);
  const slices = Object.assign(slicesOf(bytes), { cancel: () => undefined });
  return to.receive('basel', sha256, {
    offset,
    bytes: bytes.length,
    sha256: changes.sha256 ?? sha256Hex(bytes),
    slices,
  });
}

const stored = async () => (await readdir(path.join(folder, 'uploads', 'basel'))).sort();
const pieces = async () =>
  (await readdir(path.join(folder, 'pieces'), { recursive: true, withFileTypes: true })).filter((one) => one.isFile());

describe('openSharedUploads()', () => {
  test('takes each piece at another replica, in any order within reach, and stores the whole once', async () => {
    const [a, b] = [replica(), replica()];
    expect(await a.announce('basel', announcement)).toMatchObject({ offset: 0, length: 4500 });
    expect((await send(b, 1)).offset).toBe(0);
    await expect(send(a, 4)).rejects.toMatchObject({ name: 'OffsetMismatchError', state: { offset: 0 } });
    expect((await send(a, 0)).offset).toBe(2000);
    expect((await send(b, 0)).offset).toBe(2000);
    expect(await b.find('basel', sha256)).toMatchObject({ offset: 2000, announcement });
    expect((await send(b, 2)).offset).toBe(3000);
    const last = await Promise.all([send(a, 3), send(b, 4)]);
    expect(Math.max(...last.map(({ offset }) => offset))).toBe(4500);
    expect(await stored()).toEqual([sha256]);
    expect(await pieces()).toEqual([]);
    for (const one of [a, b]) {
      expect(await one.announce('basel', announcement)).toMatchObject({ offset: 4500, expiresAtMillis: null });
      expect((await send(one, 2)).offset).toBe(4500);
    }
  });

  test('puts the pieces together once when both have the last one', async () => {
    const [a, b] = [replica(), replica()];
    await a.announce('basel', announcement);
    for (const number of [0, 1, 2, 3]) await send(a, number);
    const both = await Promise.all([send(a, 4), send(b, 4)]);
    expect(both.map(({ offset }) => offset)).toEqual([4500, 4500]);
    expect(await stored()).toEqual([sha256]);
    expect(await pieces()).toEqual([]);
  });

  test('takes no piece that is not what was signed, nor a whole that is not what was announced', async () => {
    const one = replica();
    await one.announce('basel', announcement);
    await expect(send(one, 0, { sha256: 'b'.repeat(64) })).rejects.toMatchObject({ name: 'PieceMismatchError' });
    const short = Object.assign(slicesOf(content.subarray(0, 999)), { cancel: () => undefined });
    await expect(
      one.receive('basel', sha256, { offset: 0, bytes: 1000, sha256: 'c'.repeat(64), slices: short }),
    ).rejects.toMatchObject({ name: 'PieceLengthError' });
    await send(one, 0, { bytes: new Uint8Array(pieceBytes) });
    for (const number of [1, 2, 3]) await send(one, number);
    await expect(send(one, 4)).rejects.toMatchObject({ name: 'BlobMismatchError' });
    expect(await one.find('basel', sha256)).toBeNull();
    expect(await pieces()).toEqual([]);
    await expect(send(one, 4)).rejects.toMatchObject({ code: 'upload-not-found' });
  });

  test('bounds what a site leaves, and sweeps what has expired or is not expected', async () => {
    const one = replica();
    const other = (letter: string, bytes = 4500) => ({ ...announcement, sha256: letter.repeat(64), bytes });
    await one.announce('basel', announcement);
    clock.moveTo(clock.now() + 1);
    await one.announce('basel', other('d'));
    clock.moveTo(clock.now() + 1);
    await one.announce('basel', other('e'));
    expect(await one.find('basel', sha256)).toBeNull();
    await expect(one.announce('basel', other('f', 50_001))).rejects.toMatchObject({ code: 'upload-quota' });
    await one.sweep((_, { sha256: hash }) => hash !== 'e'.repeat(64));
    expect(await one.find('basel', 'e'.repeat(64))).toBeNull();
    clock.moveTo(clock.now() + limits.expiryMillis);
    await one.sweep(() => true);
    expect(await pieces()).toEqual([]);
  });
});
