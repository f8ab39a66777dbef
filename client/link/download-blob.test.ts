import { randomBytes } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { retry } from './backoff.ts';
import { createByteCounter } from './byte-counter.ts';
import { createDownloadMemory, type DownloadMemory, downloadBlob, pruneBlobs } from './download-blob.ts';
import { CoordinatorUnreachableError, DiskFullError, UntrustedAnswerError } from './errors.ts';
import { createConnectionPool, exchange } from './http-exchange.ts';

const blob = randomBytes(300_000);
const hash = sha256Hex(blob);
const random = createRandom('cuts');

/** What the server does with a blob: cut the connection after so many bytes, ignore Range, or send other bytes. */
let behaviour: { cutAfter?: () => number; ignoreRange?: boolean; content?: Buffer } = {};
let ranges: (string | undefined)[] = [];
let server: Server;
let url: URL;
let folder: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    const content = behaviour.content ?? blob;
    ranges.push(request.headers.range);
    const asked = behaviour.ignoreRange ? undefined : /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
    const first = Number(asked ?? 0);
    if (asked !== undefined && first >= content.length) return response.writeHead(416).end();
    const headers =
      asked === undefined ? {} : { 'content-range': `bytes ${first}-${content.length - 1}/${content.length}` };
    response.writeHead(asked === undefined ? 200 : 206, { ...headers, 'content-length': content.length - first });
    const cut = behaviour.cutAfter?.() ?? Number.POSITIVE_INFINITY;
    if (cut >= content.length - first) return response.end(content.subarray(first));
    return response.write(content.subarray(first, first + cut), () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/blob`);
});
afterAll(() => server.close());
beforeEach(async () => {
  behaviour = {};
  ranges = [];
  folder = await mkdtemp(join(tmpdir(), 'wardround-blobs-'));
});
afterEach(() => rm(folder, { recursive: true }));

const agent = createConnectionPool(new URL('http://127.0.0.1'));
afterAll(() => agent.destroy());

function download(options: { signal?: AbortSignal; maximumBytes?: number; memory?: DownloadMemory } = {}) {
  const signal = options.signal ?? AbortSignal.timeout(20_000);
  const get = (firstByte: number) =>
    exchange(
      url,
      {
        method: 'GET',
        headers: firstByte === 0 ? {} : { range: `bytes=${firstByte}-` },
        signal,
        idleTimeoutMillis: 5000,
      },
      { agent, counter: createByteCounter(), recordEgress: async () => undefined },
    );
  const memory = options.memory ?? createDownloadMemory();
  return downloadBlob(hash, { folder, get, maximumBytes: options.maximumBytes ?? blob.length, signal, memory });
}

const patiently = () =>
  retry(() => download(), { signal: AbortSignal.timeout(20_000), backoff: { firstMillis: 1, maximumMillis: 1 } });

describe('downloadBlob()', () => {
  test('completes over a connection that is cut again and again, resuming where it stopped', async () => {
    behaviour = { cutAfter: () => 1 + random.int(40_000) };
    expect((await readFile(await patiently())).equals(blob)).toBe(true);
    expect(ranges.length).toBeGreaterThan(5);
    const starts = ranges.map((range) => Number(/\d+/.exec(range ?? '')?.[0] ?? 0));
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(new Set(starts).size).toBeGreaterThan(5);
    expect(await readdir(folder)).toEqual([hash]);
  });

  test('asks for nothing that it has already', async () => {
    await download();
    await download();
    expect(ranges).toEqual([undefined]);
  });

  test('fetches a kept blob anew when its bytes have changed on disk', async () => {
    await writeFile(join(folder, hash), blob.subarray(1));
    expect((await readFile(await download())).equals(blob)).toBe(true);
  });

  test('starts over when the server does not resume', async () => {
    behaviour = { cutAfter: () => 50_000 };
    await expect(download()).rejects.toThrow(CoordinatorUnreachableError);
    behaviour = { ignoreRange: true };
    expect((await readFile(await patiently())).equals(blob)).toBe(true);
  });

  test.each([
    ['longer', Buffer.concat([blob, blob])],
    ['of other content', randomBytes(400_000)],
  ])('recovers from a part that is %s than the blob', async (_, part) => {
    await writeFile(join(folder, `${hash}.part`), part);
    expect((await readFile(await patiently())).equals(blob)).toBe(true);
  });

  test('recovers from a damaged part of the right length', async () => {
    await writeFile(join(folder, `${hash}.part`), randomBytes(1000));
    await expect(download()).rejects.toThrow('was damaged');
    expect((await readFile(await download())).equals(blob)).toBe(true);
  });

  test('refuses other bytes than those it asked for, and keeps none of them', async () => {
    behaviour = { content: randomBytes(1000) };
    await expect(download()).rejects.toThrow(UntrustedAnswerError);
    expect(await readdir(folder)).toEqual([]);
  });

  test('refuses more bytes than the blob can have', async () => {
    await expect(download({ maximumBytes: blob.length - 1 })).rejects.toThrow('at most 299999 bytes');
  });

  test('keeps no torn write on a full disk, names no folder, and goes on when there is room', async () => {
    const part = join(folder, `${hash}.part`);
    await symlink('/dev/full', part);
    const failed = download();
    await expect(failed).rejects.toThrow(DiskFullError);
    await expect(failed).rejects.toThrow(/disk of the site’s folder is full.*goes on by itself/);
    await expect(failed).rejects.not.toThrow(folder);
    let troubles = 0;
    const fetched = await retry(() => download(), {
      signal: AbortSignal.timeout(20_000),
      backoff: { firstMillis: 1, maximumMillis: 1 },
      onTrouble: () => {
        if (++troubles === 2) unlinkSync(part);
      },
    });
    expect((await readFile(fetched)).equals(blob)).toBe(true);
    expect(troubles).toBe(2);
  });

  test('does not read again from the disk what an attempt before has hashed', async () => {
    const memory = createDownloadMemory();
    behaviour = { cutAfter: () => 50_000 };
    const signal = AbortSignal.timeout(20_000);
    await expect(download({ memory, signal })).rejects.toThrow(CoordinatorUnreachableError);
    expect(memory.kept?.bytes).toBe((await readFile(join(folder, `${hash}.part`))).length);
    behaviour = {};
    expect((await readFile(await download({ memory, signal }))).equals(blob)).toBe(true);
  });

  test('stops when the signal aborts', async () => {
    await expect(download({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('pruneBlobs()', () => {
  test('removes all but the named blobs, parts included', async () => {
    for (const name of ['a', 'b.part', 'c', 'd.part']) await writeFile(join(folder, name), '');
    await pruneBlobs(folder, new Set(['a', 'b']));
    expect((await readdir(folder)).sort()).toEqual(['a', 'b.part']);
    await pruneBlobs(join(folder, 'absent'), new Set());
  });
});
