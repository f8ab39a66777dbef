import { mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createFakeClock, type FakeClock } from '../../testing/fake-clock.ts';
import { openUploadFolder } from '../upload-folder.ts';
import { openStagedUploads, type StagedUploads } from './staged-uploads.ts';

const pieceBytes = 1000;
const limits = {
  pieceBytes,
  piecesAtOnce: 3,
  pieceWaitMillis: 100,
  uploadsAtOnce: 2,
  siteBytes: 50_000,
  expiryMillis: 10_000,
};
const random = createRandom('staged uploads');
const content = Uint8Array.from({ length: 4500 }, () => random.int(256));
const announcement = {
  sha256: sha256Hex(content),
  bytes: content.length,
  study: 'a'.repeat(64),
  stage: 'slices',
  round: 1,
};
const { sha256 } = announcement;

let folder: string;
let clock: FakeClock;
let staged: StagedUploads;

function openHere(changes: Partial<Parameters<typeof openStagedUploads>[1]> = {}): StagedUploads {
  return openStagedUploads(openUploadFolder(folder), { clock, limits, ...changes });
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'staged-'));
  clock = createFakeClock(1_000_000);
  staged = openHere();
});
afterEach(async () => {
  await staged.close();
  await rm(folder, { recursive: true });
});

/** The piece's bytes in slices of some size, until `stopAfter` bytes, where the connection stands still. */
function slicesOf(bytes: Uint8Array, { stopAfter = Number.POSITIVE_INFINITY } = {}) {
  const cancelled = Promise.withResolvers<never>();
  cancelled.promise.catch(() => undefined);
  async function* slices() {
    for (let offset = 0; offset < bytes.length; offset += 300) {
      if (offset >= stopAfter) await cancelled.promise;
      yield bytes.subarray(offset, offset + 300);
    }
  }
  return Object.assign(slices(), { cancel: () => cancelled.reject(new Error('cancelled')) });
}

function piece(number: number, changes: { bytes?: Uint8Array; sha256?: string; stopAfter?: number } = {}) {
  const offset = number * pieceBytes;
  const bytes = changes.bytes ?? content.subarray(offset, offset + pieceBytes);
  return {
    offset,
    bytes: bytes.length,
    sha256: changes.sha256 ?? sha256Hex(bytes),
    slices: slicesOf(bytes, changes.stopAfter === undefined ? {} : { stopAfter: changes.stopAfter }),
  };
}

const send = (number: number, changes: Parameters<typeof piece>[1] = {}) =>
  staged.receive('basel', sha256, piece(number, changes));

async function restart(): Promise<void> {
  await staged.close();
  staged = openHere();
}

const files = async (site = 'basel') => (await readdir(path.join(folder, site))).sort();

describe('openStagedUploads()', () => {
  test('takes pieces in any order within reach, counts them in order, and names the whole by its hash', async () => {
    expect(await staged.announce('basel', announcement)).toMatchObject({ offset: 0, length: 4500 });
    const [second, third] = [send(1), send(2)];
    await expect(send(4)).rejects.toMatchObject({ name: 'OffsetMismatchError', state: { offset: 0 } });
    expect((await send(0)).offset).toBeGreaterThanOrEqual(1000);
    await Promise.all([second, third]);
    expect((await staged.find('basel', sha256))?.offset).toBe(3000);
    await Promise.all([send(4), send(3)]);
    expect(await staged.find('basel', sha256)).toMatchObject({ offset: 4500, length: 4500, expiresAtMillis: null });
    expect(await files()).toEqual([sha256]);
    expect(await readFile(path.join(folder, 'basel', sha256))).toEqual(Buffer.from(content));
    // Repeats of everything are acknowledged at once, without reading a byte.
    expect((await staged.announce('basel', announcement)).offset).toBe(4500);
    expect((await send(2, { stopAfter: 0 })).offset).toBe(4500);
  });

  test('acknowledges a repeated piece without reading it, and takes no other in its place', async () => {
    await staged.announce('basel', announcement);
    await send(0);
    expect((await send(0, { stopAfter: 0 })).offset).toBe(1000);
    await expect(send(0, { bytes: content.subarray(1000, 2000) })).rejects.toThrow('stands at byte 1000 of 4500');
  });

  test('keeps each site to its own uploads', async () => {
    await staged.announce('basel', announcement);
    await send(0);
    expect(await staged.find('geneva', sha256)).toBeNull();
    await expect(staged.receive('geneva', sha256, piece(1))).rejects.toMatchObject({ code: 'upload-not-found' });
    await staged.announce('geneva', announcement);
    expect((await staged.find('geneva', sha256))?.offset).toBe(0);
  });

  test('lets a repeat take the place of a connection that stands still', async () => {
    await staged.announce('basel', announcement);
    const still = send(0, { stopAfter: 300 });
    const lost = expect(still).rejects.toMatchObject({ name: 'OffsetMismatchError' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await send(0)).offset).toBe(1000);
    await lost;
  });

  test('refuses a piece that is not what was signed, or shorter, and goes on from where it stood', async () => {
    await staged.announce('basel', announcement);
    await send(0);
    await expect(send(1, { sha256: 'b'.repeat(64) })).rejects.toMatchObject({ name: 'PieceMismatchError' });
    const short = { ...piece(1), slices: slicesOf(content.subarray(1000, 1999)) };
    await expect(staged.receive('basel', sha256, short)).rejects.toMatchObject({ name: 'PieceLengthError' });
    for (const number of [1, 2, 3, 4]) await send(number);
    expect(await files()).toEqual([sha256]);
  });

  test('does not wait for ever for the piece ahead', async () => {
    await staged.announce('basel', announcement);
    const early = send(1);
    const refused = expect(early).rejects.toMatchObject({ name: 'OffsetMismatchError' });
    await vi.waitFor(() => expect(clock.nextAlarm()).not.toBeNull());
    clock.moveTo(clock.now() + limits.pieceWaitMillis);
    await refused;
    for (const number of [0, 1, 2, 3, 4]) await send(number);
    expect(await files()).toEqual([sha256]);
  });

  test('begins anew when the whole is not what was announced', async () => {
    await staged.announce('basel', announcement);
    for (const number of [0, 1, 2, 3]) await send(number, { bytes: content.subarray(0, 1000) });
    await expect(send(4)).rejects.toMatchObject({ name: 'BlobMismatchError' });
    expect(await files()).toEqual([]);
    expect((await staged.announce('basel', announcement)).offset).toBe(0);
  });

  test('goes on after a restart from what was acknowledged, with no byte less', async () => {
    await staged.announce('basel', announcement);
    for (const number of [0, 1]) {
      await send(number);
      await restart();
      expect((await staged.find('basel', sha256))?.offset).toBe((number + 1) * pieceBytes);
    }
    for (const number of [2, 3, 4]) await send(number);
    expect(await readFile(path.join(folder, 'basel', sha256))).toEqual(Buffer.from(content));
  });

  test('drops a torn line and bytes behind it, and finds bytes that changed on the disk', async () => {
    await staged.announce('basel', announcement);
    for (const number of [0, 1, 2]) await send(number);
    await staged.close();
    const log = path.join(folder, 'basel', `${sha256}.pieces`);
    const lines = await readFile(log, 'utf8');
    await truncate(log, lines.length - 1);
    staged = openHere();
    expect((await staged.find('basel', sha256))?.offset).toBe(2000);

    await staged.close();
    const data = path.join(folder, 'basel', `${sha256}.upload`);
    const bytes = await readFile(data);
    bytes[1500]! ^= 1;
    await writeFile(data, bytes);
    staged = openHere();
    expect((await staged.find('basel', sha256))?.offset).toBe(1000);
    for (const number of [1, 2, 3, 4]) await send(number);
    expect(await readFile(path.join(folder, 'basel', sha256))).toEqual(Buffer.from(content));
  });

  test('completes an upload whose last piece was logged before the power went', async () => {
    await staged.announce('basel', announcement);
    for (const number of [0, 1, 2, 3]) await send(number);
    await staged.close();
    const data = path.join(folder, 'basel', `${sha256}.upload`);
    await writeFile(data, content);
    const last = { offset: 4000, bytes: 500, sha256: sha256Hex(content.subarray(4000)), atMillis: clock.now() };
    const log = path.join(folder, 'basel', `${sha256}.pieces`);
    await writeFile(log, `${await readFile(log, 'utf8')}${JSON.stringify(last)}\n`);
    staged = openHere();
    expect((await staged.announce('basel', announcement)).offset).toBe(4500);
    expect(await files()).toEqual([sha256]);
  });

  test('acknowledges nothing on a full disk, and goes on when there is room', async () => {
    let isFull = false;
    const full = () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    await staged.close();
    staged = openHere({
      open: (async (...parameters: Parameters<typeof open>) => {
        const file = await open(...parameters);
        const { writev, datasync } = file;
        file.writev = ((...values: Parameters<typeof writev>) =>
          isFull ? full() : writev.apply(file, values)) as typeof writev;
        file.datasync = () => (isFull ? full() : datasync.call(file));
        return file;
      }) as typeof open,
    });
    await staged.announce('basel', announcement);
    await send(0);
    isFull = true;
    await expect(send(1)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect((await staged.find('basel', sha256))?.offset).toBe(1000);
    isFull = false;
    for (const number of [1, 2, 3, 4]) await send(number);
    expect(await files()).toEqual([sha256]);
  });

  test('answers a piece only when its bytes and its line are on the disk', async () => {
    const order: string[] = [];
    await staged.close();
    staged = openHere({
      open: (async (...parameters: Parameters<typeof open>) => {
        const file = await open(...parameters);
        const { datasync } = file;
        file.datasync = async () => {
          await datasync.call(file);
          const log = path.join(folder, 'basel', `${sha256}.pieces`);
          order.push(`synced with ${(await readFile(log, 'utf8')).split('\n').length - 2} lines`);
        };
        return file;
      }) as typeof open,
    });
    await staged.announce('basel', announcement);
    order.splice(0);
    await send(0);
    const log = await readFile(path.join(folder, 'basel', `${sha256}.pieces`), 'utf8');
    order.push(`answered with ${log.split('\n').length - 2} lines`);
    expect(order).toEqual(['synced with 0 lines', 'answered with 1 lines']);
  });

  test('bounds uploads at once, where one that stands still gives way, and bytes', async () => {
    const others = ['b', 'c', 'd'].map((digit) => ({ ...announcement, sha256: digit.repeat(64) }));
    await staged.announce('basel', announcement);
    await staged.announce('basel', others[0]!);
    const busy = send(0, { stopAfter: 300 });
    busy.catch(() => undefined);
    clock.moveTo(clock.now() + 1);
    await staged.announce('basel', others[1]!);
    expect(await staged.find('basel', others[0]!.sha256)).toBeNull();
    expect(await staged.find('basel', sha256)).not.toBeNull();
    const large = { ...others[2]!, bytes: 46_000 };
    await expect(staged.announce('basel', large)).rejects.toMatchObject({ code: 'upload-quota', status: 429 });
    expect(await staged.announce('geneva', large)).toMatchObject({ offset: 0 });
  });

  test('removes what has expired or is not expected, and nothing else', async () => {
    await staged.announce('basel', announcement);
    await send(0);
    clock.moveTo(clock.now() + limits.expiryMillis - 1);
    await staged.sweep(() => true);
    expect((await staged.find('basel', sha256))?.offset).toBe(1000);
    clock.moveTo(clock.now() + 1);
    await staged.sweep(() => true);
    expect(await files()).toEqual([]);

    await staged.announce('basel', announcement);
    await writeFile(path.join(folder, 'basel', `${'e'.repeat(64)}.upload`), 'no log');
    await writeFile(path.join(folder, 'basel', 'f'.repeat(64)), 'complete');
    await staged.sweep((site, { stage }) => site === 'basel' && stage === 'other');
    expect(await files()).toEqual(['f'.repeat(64)]);
  });
});
