/** The coordinator's part in transfers by itself: its real routes, limits and folders, and sites that are known by their keys. */
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { blobRoutes } from '@wardround/coordinator/edge/blob-routes.ts';
import { limits } from '@wardround/coordinator/edge/limits.ts';
import type { Gate } from '@wardround/coordinator/edge/message-route.ts';
import { createSendAnswer } from '@wardround/coordinator/edge/send-answer.ts';
import { createTokenBucket } from '@wardround/coordinator/edge/token-bucket.ts';
import { uploadRoutes } from '@wardround/coordinator/edge/upload-routes.ts';
import { createWebServer, type HttpLimits } from '@wardround/coordinator/edge/web-server.ts';
import { RefusalError } from '@wardround/coordinator/refusal-error.ts';
import { type Clock, systemClock } from '@wardround/coordinator/rounds/clock.ts';
import { type BlobFolder, openBlobFolder } from '@wardround/coordinator/storage/blob-folder.ts';
import { openUploadFolder, type UploadFolder } from '@wardround/coordinator/storage/upload-folder.ts';
import {
  openStagedUploads,
  type StagedUploads,
  type UploadLimits,
} from '@wardround/coordinator/storage/uploads/staged-uploads.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { fingerprint, type Identity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { readRequestClaims, verifyRequest } from '@wardround/shared/crypto/signed-request.ts';
import { createPace } from '@wardround/shared/streams/pace.ts';
import { pino } from 'pino';

export interface TransferServer {
  readonly port: number;
  readonly published: BlobFolder;
  readonly uploads: UploadFolder;
  readonly staged: StagedUploads;
  close(): Promise<void>;
}

export async function startTransferServer(options: {
  readonly folder: string;
  readonly identity: Identity;
  readonly sites: Readonly<Record<string, Identity>>;
  readonly port?: number;
  readonly clock?: Clock;
  readonly uploadLimits?: Partial<UploadLimits>;
  readonly http?: Partial<HttpLimits>;
  readonly open?: Parameters<typeof openStagedUploads>[1]['open'];
  readonly isExpected?: () => boolean;
  readonly siteBytesPerSecond?: number;
}): Promise<TransferServer> {
  const { folder, identity, sites, clock = systemClock, isExpected = () => true } = options;
  const keys = publicKeys(identity);
  const own = { identity, keys, fingerprint: fingerprint(keys) };
  for (const name of ['published', 'uploads']) await mkdir(path.join(folder, name), { recursive: true });
  const published = openBlobFolder(path.join(folder, 'published'));
  const uploads = openUploadFolder(path.join(folder, 'uploads'));
  const staged = openStagedUploads(uploads, {
    clock,
    limits: { ...limits.uploads, ...options.uploadLimits },
    ...(options.open === undefined ? {} : { open: options.open }),
  });
  const nonces = new Set<string>();
  const members = new Map(Object.entries(sites).map(([name, own]) => [name, publicKeys(own)]));
  const gate: Gate = {
    async identify({ method, path, headers }) {
      const { site: name, nonce } = readRequestClaims(headers);
      const site = members.get(name);
      if (site === undefined || nonces.has(nonce)) throw new RefusalError('replayed', { status: 401, message: 'no' });
      nonces.add(nonce);
      const { signingKey, sealingKey } = site;
      const { contentSha256 } = verifyRequest(headers, {
        method,
        path,
        bodyHash: null,
        signingKey,
        coordinatorFingerprint: own.fingerprint,
        nowMillis: Date.now(),
        toleranceMillis: limits.clockToleranceMillis,
      });
      const enrolled = { site: name, signingKey, sealingKey, status: 'admitted', enrolledAtMillis: 0 } as const;
      return { name, site: enrolled, contentSha256, signingKey };
    },
    send: createSendAnswer({ identity }, Date.now),
    callers: createTokenBucket({ perSecond: 1e6, burst: 1e6 }, Date.now),
    strangers: createTokenBucket({ perSecond: 1e6, burst: 1e6 }, Date.now),
  };
  const web = createWebServer({
    send: gate.send,
    log: pino({ level: 'silent' }),
    tls: null,
    http: { ...limits.http, ...options.http },
  });
  const expected = {
    require() {
      if (!isExpected()) throw new RefusalError('no-upload-expected', { status: 409, message: 'no' });
    },
    isExpected,
    needed: () => new Set<Sha256Hex>(),
  };
  const { siteBytesPerSecond } = options;
  const pace = siteBytesPerSecond === undefined ? null : { pace: createPace(), bytesPerSecond: siteBytesPerSecond };
  web.serve([
    blobRoutes(gate, { published, pace }),
    uploadRoutes(gate, { own, uploads, staged, expected, clock, pace }),
  ]);
  web.server.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  await once(web.server, 'listening');
  return {
    port: (web.server.address() as AddressInfo).port,
    published,
    uploads,
    staged,
    async close() {
      web.server.closeAllConnections();
      await new Promise((resolve) => web.server.close(resolve));
      await staged.close();
    },
  };
}
