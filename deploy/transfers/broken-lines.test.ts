/** Files of every kind of size through lines that break anywhere, in either direction: they arrive whole, once. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { generateIdentity } from '@wardround/shared/crypto/identity.ts';
import { createRandom, type SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Cut, startCuttingProxy } from './testing/cutting-proxy.ts';
import { startTransferServer, type TransferServer } from './testing/transfer-server.ts';
import { openTransferSite, type TransferSite } from './testing/transfer-site.ts';

const pieceBytes = 65_536;
const coordinator = generateIdentity();
const basel = generateIdentity();
const round = { study: 'a'.repeat(64), stage: 'slices', round: 1 };
const cleanUps: (() => Promise<unknown>)[] = [];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'transfers-'));
  cleanUps.push(() => rm(folder, { recursive: true }));
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function open(nextCut: () => Cut | null) {
  const serve = (port = 0): Promise<TransferServer> =>
    startTransferServer({ folder: path.join(folder, 'coordinator'), identity: coordinator, sites: { basel }, port });
  let server = await serve();
  cleanUps.push(() => server.close());
  const proxy = await startCuttingProxy(server.port, nextCut);
  cleanUps.push(() => proxy.close());
  const site: TransferSite = await openTransferSite({
    folder: path.join(folder, 'basel'),
    site: 'basel',
    identity: basel,
    coordinator,
    url: proxy.url,
    pieceBytes,
    backoff: { firstMillis: 2, maximumMillis: 20 },
  });
  cleanUps.push(() => site.close());
  return {
    proxy,
    site,
    server: () => server,
    async restart() {
      await server.close();
      server = await serve();
      proxy.connectTo(server.port);
    },
  };
}

function bytesOf(random: SeededRandom, length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, () => random.int(256)));
}

/** Cuts the first so many connections anywhere up to a little more than a piece, often where an answer begins. */
function cutting(random: SeededRandom, cuts: number): () => Cut | null {
  let left = cuts;
  return () => {
    if (left-- <= 0) return null;
    const direction = random.int(3) === 0 ? 'to-site' : 'to-coordinator';
    const reach = direction === 'to-site' ? 1200 : 1.3 * pieceBytes;
    return { direction, afterBytes: random.int(5) === 0 ? 0 : random.int(Math.round(reach)) };
  };
}

describe.each(['one', 'two', 'three', 'four'])('with the seed %s', (seed) => {
  test('an upload arrives whole and once, and a cut costs one piece at most', { timeout: 60_000 }, async () => {
    const random = createRandom(`broken lines ${seed}`);
    const content = bytesOf(random, pieceBytes * (4 + random.int(4)) + random.int(pieceBytes));
    const { proxy, site, server } = await open(cutting(random.fork('cuts'), 12));
    const file = path.join(folder, 'update');
    await writeFile(file, content);
    const told: number[] = [];
    const upload = { hash: sha256Hex(content), file, bytes: content.length, round };
    await site.link.upload({ ...upload, onProgress: (bytes) => told.push(bytes) }, AbortSignal.timeout(50_000));

    const own = await server().uploads.of('basel');
    expect(await readdir(own.folder)).toEqual([upload.hash]);
    expect((await readFile(own.pathOf(upload.hash))).equals(content)).toBe(true);
    expect(proxy.cuts(), `seed ${seed}`).toBeGreaterThan(5);
    const heads = 1000 * (20 + 2 * site.troubles.length + content.length / pieceBytes);
    expect(site.link.bytesSent(), `seed ${seed}`).toBeLessThan(content.length + proxy.cuts() * pieceBytes + heads);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told.at(-1)).toBe(content.length);
    // Nothing left that is not in the ledger.
    const lines = (await readFile(path.join(folder, 'basel', 'audit', 'egress.jsonl'), 'utf8')).trimEnd().split('\n');
    const recorded = lines.map((line) => JSON.parse(line).bytes).reduce((sum, bytes) => sum + bytes, 0);
    expect(recorded).toBeGreaterThanOrEqual(content.length);
    expect(site.link.bytesSent() - heads).toBeLessThan(recorded);
  });

  test('a download arrives whole, and nothing that came is fetched again', { timeout: 60_000 }, async () => {
    const random = createRandom(`broken downloads ${seed}`);
    const content = bytesOf(random, 300_000 + random.int(300_000));
    const cuts = random.fork('cuts');
    let left = 12;
    const { proxy, site, server } = await open(() =>
      left-- > 0 ? { direction: 'to-site', afterBytes: cuts.int(60_000) } : null,
    );
    const hash = await server().published.put(content);
    const fetched = await site.link.download(hash, {
      maximumBytes: content.length,
      signal: AbortSignal.timeout(50_000),
    });
    expect((await readFile(fetched)).equals(content)).toBe(true);
    expect(await readdir(path.dirname(fetched))).toEqual([hash]);
    // What was still in a socket when it closed is fetched once more.
    expect(proxy.bytesToSite(), `seed ${seed}`).toBeLessThan(content.length + proxy.cuts() * 16_384 + 20_000);
    expect(proxy.cuts(), `seed ${seed}`).toBeGreaterThan(5);
  });
});

test('an upload goes on after the coordinator was started anew, from what it had acknowledged', async () => {
  const random = createRandom('restart');
  const content = bytesOf(random, 6 * pieceBytes);
  const { site, server, restart } = await open(() => null);
  const file = path.join(folder, 'update');
  await writeFile(file, content);
  let restarting: Promise<void> | null = null;
  await site.link.upload(
    {
      hash: sha256Hex(content),
      file,
      bytes: content.length,
      round,
      onProgress: (bytes) => {
        if (bytes >= 2 * pieceBytes) restarting ??= restart();
      },
    },
    AbortSignal.timeout(50_000),
  );
  await restarting;
  const own = await server().uploads.of('basel');
  expect((await readFile(own.pathOf(sha256Hex(content)))).equals(content)).toBe(true);
  expect(site.link.bytesSent()).toBeLessThan(content.length + 4 * pieceBytes);
});
