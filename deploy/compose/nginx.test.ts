/** The balancer of coordinators.yaml as it is, under a real nginx, before real coordinators and real sites. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { limits } from '@wardround/coordinator/edge/limits.ts';
import { startTestCoordinator, type TestCoordinator } from '@wardround/coordinator/testing/test-coordinator.ts';
import { createTestSite, nextSequence, type TestSite } from '@wardround/coordinator/testing/test-site.ts';
import { socketHandshake } from '@wardround/protocols/session/socket-handshake.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { signRequest } from '@wardround/shared/crypto/signed-request.ts';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTransferServer, type TransferServer } from '../transfers/testing/transfer-server.ts';
import { openTransferSite, type TransferSite } from '../transfers/testing/transfer-site.ts';
import { missingForNginx, type RunningNginx, startNginx } from './testing/start-nginx.ts';

if (missingForNginx !== null) console.warn(`nginx before coordinators: skipped, ${missingForNginx}`);

async function startTrusted(ports: readonly [number, number]): Promise<RunningNginx> {
  const nginx = await startNginx(ports);
  setDefaultCACertificates([...getCACertificates('default'), nginx.certificate]);
  return nginx;
}
const round = { study: 'a'.repeat(64), stage: 'slices', round: 1 };
const { signal } = new AbortController();

describe.skipIf(missingForNginx !== null)('nginx before two coordinators', () => {
  const coordinator = generateIdentity();
  const basel = generateIdentity();
  let folder: string;
  let servers: TransferServer[];
  let nginx: RunningNginx;
  let site: TransferSite;

  const start = (port = 0): Promise<TransferServer> =>
    startTransferServer({ folder: path.join(folder, 'shared'), identity: coordinator, sites: { basel }, port });

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'balanced-'));
    servers = [await start(), await start()];
    nginx = await startTrusted([servers[0]!.port, servers[1]!.port]);
    await mkdir(path.join(folder, 'basel'));
    site = await openTransferSite({
      folder: path.join(folder, 'basel'),
      site: 'basel',
      identity: basel,
      coordinator,
      url: nginx.url,
      backoff: { firstMillis: 20, maximumMillis: 200 },
    });
  });
  afterAll(async () => {
    await site?.close();
    await nginx?.close();
    for (const server of servers ?? []) await server.close();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  const content = Buffer.alloc(2 * limits.uploads.pieceBytes + 77, 'bytes that travel ');

  test('passes an upload in the largest pieces, several at once', async () => {
    const file = path.join(folder, 'update');
    await writeFile(file, content);
    await site.link.upload({ hash: sha256Hex(content), file, bytes: content.length, round }, signal);
    expect(site.troubles).toEqual([]);
    const found = await Promise.all(
      servers.map(async ({ uploads }) => (await uploads.of('basel')).size(sha256Hex(content))),
    );
    expect(found).toContain(content.length);
  });

  test('passes a download, from any byte', async () => {
    const hash = await servers[0]!.published.put(content);
    const kept = await site.link.download(hash, { maximumBytes: content.length, signal });
    expect(sha256Hex(await readFile(kept))).toBe(hash);
    const address = `/v1/blobs/${hash}`;
    const headers = signRequest({
      identity: basel,
      site: 'basel',
      method: 'GET',
      path: address,
      bodyHash: sha256Hex(''),
      coordinatorFingerprint: fingerprint(publicKeys(coordinator)),
      nowMillis: Date.now(),
      sequence: nextSequence(),
    });
    const answer = await fetch(nginx.url + address, { headers: { ...headers, range: 'bytes=5-12' } });
    expect([answer.status, await answer.text()]).toEqual([206, content.toString('latin1', 5, 13)]);
  });

  test('goes on with the replica that is left, whichever it is', async () => {
    const fetchNew = async (text: string, from: TransferServer) => {
      const hash = await from.published.put(Buffer.from(text));
      return readFile(await site.link.download(hash, { maximumBytes: 100, signal }), 'utf8');
    };
    const [first, second] = servers as [TransferServer, TransferServer];
    await first.close();
    expect(await fetchNew('while the first is away', second)).toBe('while the first is away');
    servers = [await start(first.port), second];
    await second.close();
    expect(await fetchNew('while the second is away', servers[0]!)).toBe('while the second is away');
    servers.pop();
    expect(site.troubles.length).toBeGreaterThan(0);
  });
});

describe.skipIf(missingForNginx !== null)('nginx before a coordinator', () => {
  let coordinator: TestCoordinator;
  let nginx: RunningNginx;
  let basel: TestSite;

  beforeAll(async () => {
    coordinator = await startTestCoordinator();
    const port = Number(new URL(coordinator.running.publicUrl).port);
    nginx = await startTrusted([port, port]);
    const [direct] = await coordinator.join('basel');
    basel = createTestSite({ ...direct!, coordinator: { ...direct!.coordinator, url: nginx.url } });
  });
  afterAll(async () => {
    await nginx?.close();
    await coordinator?.close();
  });

  test('passes signed requests and answers as they are', async () => {
    expect(await basel.work()).toMatchObject({ kind: 'idle' });
  });

  test.each([['websocket'], ['polling']])('carries hints over %s', async (transport) => {
    const auth = signRequest({
      identity: basel.identity,
      site: basel.site,
      ...socketHandshake,
      bodyHash: sha256Hex(''),
      coordinatorFingerprint: basel.coordinator.fingerprint,
      nowMillis: Date.now(),
      sequence: nextSequence(),
    });
    const socket = io(nginx.url, { auth, transports: [transport], forceNew: true, reconnection: false });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
    const progress = { kind: 'nothing of the schema' };
    expect(await socket.timeout(5000).emitWithAck('progress', progress)).toBe(false);
    socket.close();
  });

  test('shows the world whether a replica lives, not what it depends on nor the administrator’s addresses', async () => {
    const status = async (address: string) => (await fetch(nginx.url + address)).status;
    expect(await status('/v1/health')).toBe(200);
    expect(await status('/v1/ready')).toBe(404);
    expect(await status('/v1/admin/sites')).toBe(404);
  });
});
