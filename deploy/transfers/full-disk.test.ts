/** The coordinator's disk is full for a while: nothing is acknowledged that is not there, and sites wait and go on by themselves. */
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { generateIdentity } from '@wardround/shared/crypto/identity.ts';
import { expect, test } from 'vitest';
import { startTransferServer } from './testing/transfer-server.ts';
import { openTransferSite } from './testing/transfer-site.ts';

const pieceBytes = 65_536;

test('an upload meets a full disk, is told so, and goes on when there is room', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'full-'));
  const [coordinator, basel] = [generateIdentity(), generateIdentity()];
  let isFull = false;
  const server = await startTransferServer({
    folder: path.join(folder, 'coordinator'),
    identity: coordinator,
    sites: { basel },
    open: (async (...parameters: Parameters<typeof open>) => {
      const file = await open(...parameters);
      const { writev } = file;
      file.writev = ((...values: Parameters<typeof writev>) =>
        isFull
          ? Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }))
          : writev.apply(file, values)) as typeof writev;
      return file;
    }) as typeof open,
  });
  const site = await openTransferSite({
    folder: path.join(folder, 'basel'),
    site: 'basel',
    identity: basel,
    coordinator,
    url: `http://127.0.0.1:${server.port}`,
    pieceBytes,
    backoff: { firstMillis: 5, maximumMillis: 20 },
  });
  try {
    const content = Buffer.alloc(5 * pieceBytes, 'x y z ');
    const file = path.join(folder, 'update');
    await writeFile(file, content);
    const upload = { hash: sha256Hex(content), file, bytes: content.length };
    const round = { study: 'a'.repeat(64), stage: 'slices', round: 1 };
    const told: number[] = [];
    const sending = site.link.upload(
      {
        ...upload,
        round,
        onProgress: (bytes) => {
          told.push(bytes);
          if (bytes > 0) isFull ||= told.filter((past) => past > 0).length === 1;
        },
      },
      AbortSignal.timeout(50_000),
    );
    await expect.poll(() => site.troubles.length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(site.troubles[0]).toContain('status 507');
    const acknowledged = told.at(-1) ?? 0;
    expect(acknowledged).toBeLessThan(content.length);
    expect((await server.staged.find('basel', upload.hash))?.offset).toBeGreaterThanOrEqual(acknowledged);
    const waitedSince = performance.now();
    isFull = false;
    await sending;
    // It came again when it was asked to, not at once.
    expect(performance.now() - waitedSince).toBeGreaterThan(2000);
    const own = await server.uploads.of('basel');
    expect((await readFile(own.pathOf(upload.hash))).equals(content)).toBe(true);
  } finally {
    await site.close();
    await server.close();
    await rm(folder, { recursive: true });
  }
});
