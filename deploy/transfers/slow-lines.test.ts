/**
 * 758 MB over a line of 8 Mbit/s that stands still now and then, at a hundredth: bytes and times are divided by 100, the
 * line's bytes a second stay. A transfer of twelve minutes takes seven seconds; time limits of 60 s (site), 120 s (coordinator)
 * and 20 s (a piece that waits for the one ahead) become 0.6, 1.2 and 0.2 s, pieces of 4 MiB 41,943 bytes, and the line stands
 * still for 30 s, ten times. No limit counts the whole, so size and speed decide only how long it takes, not whether it ends.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { limits } from '@wardround/coordinator/edge/limits.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { generateIdentity } from '@wardround/shared/crypto/identity.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ChaosProxy, startChaosProxy } from '../chaos/link/chaos-proxy.ts';
import { startTransferServer, type TransferServer } from './testing/transfer-server.ts';
import { openTransferSite, type TransferSite } from './testing/transfer-site.ts';

const scale = 100;
const payloadBytes = Math.round(758e6 / scale);
const lineBytesPerSecond = 1e6;
const stallMillis = 30_000 / scale;
const idleTimeoutMillis = 60_000 / scale;

const coordinator = generateIdentity();
const basel = generateIdentity();
const content = Buffer.alloc(payloadBytes, 'slow but steady ');
const hash = sha256Hex(content);

let folder: string;
let server: TransferServer;
let proxy: ChaosProxy;
let site: TransferSite;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slow-'));
  const { idleTimeoutMillis: idle, requestTimeoutMillis, ...http } = limits.http;
  server = await startTransferServer({
    folder: path.join(folder, 'coordinator'),
    identity: coordinator,
    sites: { basel },
    uploadLimits: { pieceWaitMillis: limits.uploads.pieceWaitMillis / scale },
    http: {
      ...http,
      checkIntervalMillis: 100,
      idleTimeoutMillis: idle / scale,
      requestTimeoutMillis: Math.ceil(requestTimeoutMillis / scale),
    },
  });
  proxy = await startChaosProxy();
  proxy.connectTo(server.port);
  proxy.setLine({ bytesPerSecond: lineBytesPerSecond });
  await mkdir(path.join(folder, 'basel'));
  site = await openTransferSite({
    folder: path.join(folder, 'basel'),
    site: 'basel',
    identity: basel,
    coordinator,
    url: proxy.url,
    idleTimeoutMillis,
    pieceBytes: Math.round(limits.uploads.pieceBytes / scale),
    backoff: { firstMillis: 5, maximumMillis: 100 },
  });
});
afterEach(async () => {
  await site.close();
  await proxy.close();
  await server.close();
  await rm(folder, { recursive: true });
});

/** Lets the line stand still again and again while the transfer is under way. @returns how long it took. */
async function withStalls(transfer: Promise<unknown>): Promise<number> {
  const startMillis = performance.now();
  const isOver = transfer.then(
    () => true,
    () => true,
  );
  for (let stall = 0; stall < 10; stall++) {
    if (await Promise.race([isOver, delay(400, false)])) break;
    proxy.setLine({ isStalled: true });
    await delay(stallMillis);
    proxy.setLine({ isStalled: false });
  }
  await transfer;
  return performance.now() - startMillis;
}

describe('over a slow line that stands still now and then', () => {
  test('an upload ends, and nearly nothing is sent twice', { timeout: 60_000 }, async () => {
    const file = path.join(folder, 'update');
    await writeFile(file, content);
    const round = { study: 'a'.repeat(64), stage: 'slices', round: 1 };
    const upload = site.link.upload({ hash, file, bytes: content.length, round }, AbortSignal.timeout(55_000));
    expect(await withStalls(upload)).toBeGreaterThan(5 * idleTimeoutMillis);
    const own = await server.uploads.of('basel');
    expect(sha256Hex(await readFile(own.pathOf(hash)))).toBe(hash);
    expect(site.link.bytesSent()).toBeLessThan(1.15 * content.length);
  });

  test('a download ends, without a byte less', { timeout: 60_000 }, async () => {
    await server.published.put(content);
    const download = site.link.download(hash, { maximumBytes: content.length, signal: AbortSignal.timeout(55_000) });
    expect(await withStalls(download)).toBeGreaterThan(5 * idleTimeoutMillis);
    expect(sha256Hex(await readFile(await download))).toBe(hash);
  });
});

describe('with a limit of the site’s own', () => {
  test('uploads and downloads together stay below it', { timeout: 60_000 }, async () => {
    proxy.setLine({ bytesPerSecond: Number.POSITIVE_INFINITY });
    const limited = await openTransferSite({
      folder: path.join(folder, 'limited'),
      site: 'basel',
      identity: basel,
      coordinator,
      url: proxy.url,
      bytesPerSecond: 1_000_000,
    });
    try {
      const part = content.subarray(0, 500_000);
      const file = path.join(folder, 'part');
      await writeFile(file, part);
      const other = await server.published.put(content.subarray(0, 500_001));
      const startMillis = performance.now();
      const signal = AbortSignal.timeout(50_000);
      const round = { study: 'a'.repeat(64), stage: 'slices', round: 1 };
      await Promise.all([
        limited.link.upload({ hash: sha256Hex(part), file, bytes: part.length, round }, signal),
        limited.link.download(other, { maximumBytes: 500_001, signal }),
      ]);
      expect(performance.now() - startMillis).toBeGreaterThan(850);
    } finally {
      await limited.close();
    }
  });

  test('the coordinator holds a site to its own limit, both ways', { timeout: 60_000 }, async () => {
    const strict = await startTransferServer({
      folder: path.join(folder, 'strict'),
      identity: coordinator,
      sites: { basel },
      siteBytesPerSecond: 500_000,
    });
    proxy.connectTo(strict.port);
    proxy.setLine({ bytesPerSecond: Number.POSITIVE_INFINITY });
    try {
      const part = content.subarray(0, 300_000);
      const file = path.join(folder, 'part');
      await writeFile(file, part);
      const other = await strict.published.put(content.subarray(0, 300_001));
      const startMillis = performance.now();
      const signal = AbortSignal.timeout(50_000);
      const round = { study: 'a'.repeat(64), stage: 'slices', round: 1 };
      await site.link.upload({ hash: sha256Hex(part), file, bytes: part.length, round }, signal);
      const betweenMillis = performance.now();
      await site.link.download(other, { maximumBytes: 300_001, signal });
      expect(betweenMillis - startMillis).toBeGreaterThan(400);
      expect(performance.now() - betweenMillis).toBeGreaterThan(300);
    } finally {
      await strict.close();
    }
  });
});
