import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uploadStatementHash } from '@wardround/protocols/transfer/resumable-upload.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { SIGNATURE_HEADERS, signAnswer, verifyRequest } from '@wardround/shared/crypto/signed-request.ts';
import { type AppendFile, openAppendFile } from '@wardround/shared/files/append-file.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type EgressLedger, EgressLedgerError, openEgressLedger } from '../audit/egress-ledger.ts';
import { openSequenceNumbers } from '../state/sequence-numbers.ts';
import { openSiteLink, type SiteLink } from './site-link.ts';

const coordinator = generateIdentity();
const keys = publicKeys(coordinator);
const identity = generateIdentity();
const blob = Buffer.from('weights');

let server: Server;
let folder: string;
let link: SiteLink;
let ledger: EgressLedger;
/** What writes the ledger; a test may break it. */
let ledgerFile: AppendFile;
/** With each request, what the ledger held on the disk when its first byte arrived. */
let received: { method: string; path: string; body: Buffer; verified: boolean; ledgerBefore: string }[];
/** How many of the next requests are answered as by an overloaded proxy. */
let busyFor: number;
let troubles: string[];
let uploadLength = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardround-link-'));
  received = [];
  busyFor = 0;
  troubles = [];
  server = createServer((request, response) => {
    const path = request.url ?? '';
    const ledgerBefore = readFileSync(join(folder, 'audit', 'egress.jsonl'), 'utf8');
    if (path.startsWith('/socket.io/')) return response.writeHead(404).end();
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      const claims = verifyRequest(request.headers, {
        method: request.method ?? '',
        path,
        bodyHash: sha256Hex(body),
        signingKey: publicKeys(identity).signingKey,
        coordinatorFingerprint: fingerprint(keys),
        nowMillis: Date.now(),
        toleranceMillis: 5000,
      });
      received.push({ method: request.method ?? '', path, body, verified: claims.site === 'clinic', ledgerBefore });
      if (busyFor-- > 0) return response.writeHead(503, { 'retry-after': '0' }).end('busy');
      if (request.method === 'GET' && path === `/v1/blobs/${sha256Hex(blob)}`) return response.end(blob);
      if (path.startsWith('/v1/uploads')) {
        // Keeps no bytes: it believes every piece that is signed.
        const { bytes: length } = request.method === 'POST' ? JSON.parse(body.toString()) : { bytes: uploadLength };
        uploadLength = length;
        const offset = Number(request.headers['upload-offset'] ?? 0) + (request.method === 'PATCH' ? body.length : 0);
        const status = request.method === 'POST' ? 201 : 204;
        const bodyHash = uploadStatementHash({ offset, length });
        const requestNonce = String(request.headers[SIGNATURE_HEADERS.nonce]);
        const signed = signAnswer({ identity: coordinator, status, bodyHash, requestNonce, nowMillis: Date.now() });
        return response.writeHead(status, { ...signed, 'upload-offset': offset, 'upload-length': length }).end();
      }
      const text = path === '/v1/work' ? '{"kind":"idle","askAgainSeconds":2}' : '{"ok":true}';
      const requestNonce = String(request.headers[SIGNATURE_HEADERS.nonce]);
      const signed = { identity: coordinator, status: 200, bodyHash: sha256Hex(text), nowMillis: Date.now() };
      return response.writeHead(200, signAnswer({ ...signed, requestNonce })).end(text);
    });
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  ledger = await openEgressLedger(folder, {
    identity,
    openFile: async (path) => {
      ledgerFile = await openAppendFile(path);
      return { ...ledgerFile, append: (text) => ledgerFile.append(text) };
    },
  });
  link = openSiteLink({
    coordinator: { url, fingerprint: fingerprint(keys), ...keys },
    identity,
    site: 'clinic',
    sequence: openSequenceNumbers(folder),
    blobFolder: join(folder, 'blobs'),
    recordEgress: ledger.record,
    onHint: () => undefined,
    onTrouble: (error) => troubles.push(error.name),
  });
});
afterEach(async () => {
  link.close();
  await ledger.close();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

const signal = new AbortController().signal;
const study = 'a'.repeat(64);
const round = { study, stage: 'slices', round: 3 };

describe('openSiteLink()', () => {
  test('asks for work without a socket', async () => {
    expect(await link.work(signal)).toEqual({ kind: 'idle', askAgainSeconds: 2 });
    expect(link.announced()).toBe(false);
  });

  test('asks for work once and lets the caller decide when to ask again', async () => {
    busyFor = 1;
    await expect(link.work(signal)).rejects.toMatchObject({ name: 'CoordinatorUnreachableError' });
    expect(received).toHaveLength(1);
  });

  test('announces a file and sends its pieces, anew until they are acknowledged', async () => {
    const file = join(folder, 'update');
    const content = Buffer.alloc(200_000, 7);
    await writeFile(file, content);
    const sha256 = sha256Hex(content);
    await link.upload({ hash: sha256, file, bytes: content.length, round: { ...round, attempt: 2 } as never }, signal);
    expect(JSON.parse(received[0]!.body.toString())).toEqual({ sha256, bytes: content.length, ...round });
    expect(received[0]).toMatchObject({ method: 'POST', path: '/v1/uploads', verified: true });
    expect(received[1]).toMatchObject({ method: 'PATCH', path: `/v1/uploads/${sha256}?offset=0`, verified: true });
    expect(received[1]!.body.equals(content)).toBe(true);

    received = [];
    busyFor = 2;
    await link.upload({ hash: sha256, file, bytes: content.length, round }, signal);
    expect(received.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST', 'PATCH']);
    expect(troubles).toEqual(['CoordinatorUnreachableError', 'CoordinatorUnreachableError']);
    expect(link.bytesSent()).toBeGreaterThan(2 * content.length);
    expect(link.bytesSent()).toBeLessThan(2 * content.length + 6000);
  });

  test('is told by nobody but its coordinator that an upload is complete', async () => {
    const file = join(folder, 'update');
    await writeFile(file, 'sealed');
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      request.resume();
      response.writeHead(201, { 'upload-offset': 6, 'upload-length': 6 }).end();
    });
    const upload = link.upload({ hash: sha256Hex('sealed'), file, bytes: 6, round }, AbortSignal.timeout(500));
    await expect(upload).rejects.toThrow();
    expect(troubles).toContain('UntrustedAnswerError');
  });

  test('downloads a blob into the site’s folder', async () => {
    const file = await link.download(sha256Hex(blob), { maximumBytes: 100, signal });
    expect(await readFile(file, 'utf8')).toBe('weights');
  });

  test('says each thing at its address', async () => {
    await link.declineStudy(study, { reason: 'x' }, signal);
    await link.declineRound(round, { reason: 'x' }, signal);
    await link.offerEvaluation(study, { sealed: 'x' }, signal);
    expect(received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST /v1/studies/${study}/decline`,
      `POST /v1/studies/${study}/stages/slices/rounds/3/decline`,
      `POST /v1/studies/${study}/evaluation`,
    ]);
  });

  test('reports progress over HTTP while there is no socket, but not often', async () => {
    const progress = {
      study,
      activity: 'training',
      stage: 's',
      round: 1,
      done: 1,
      total: 2,
      loss: 1,
      perSecond: 1,
    } as const;
    for (let report = 0; report < 10; report++) link.progress(progress);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(JSON.parse(received[0]!.body.toString())).toEqual({ ...progress, bytesSent: expect.any(Number) });
  });

  test('writes down whatever leaves before its first byte does', async () => {
    const file = join(folder, 'update');
    await writeFile(file, 'sealed');
    const ready = {
      inventory: {
        patients: 9,
        series: 9,
        slices: 9,
        nonHounsfieldSeries: 0,
        clinical: 9,
        expression: 9,
        linked: 9,
        heldOut: 2,
      },
      quarantine: {},
      engine: { kind: 'wasm', description: 'WebAssembly' },
    } as const;
    const figures = { loss: 1, steps: 1, samples: 1, seconds: 1 };
    busyFor = 1;
    await link.ready(study, ready, signal);
    await link.upload({ hash: sha256Hex('sealed'), file, bytes: 6, round, epsilon: 1.5 }, signal);
    await link.offerUpdate(round, { blob: sha256Hex('sealed'), model: study, layout: study, figures }, signal);
    await link.declineRound(round, { reason: 'late' }, signal);
    await link.offerEvaluation(study, { sealed: 'x' }, signal);
    await link.declineStudy(study, { reason: 'late' }, signal);
    const hints = { activity: 'training', done: 1, total: 2, loss: 1, perSecond: 1 } as const;
    link.progress({ ...round, ...hints });
    await vi.waitFor(() => expect(received).toHaveLength(9));

    const last = received.map(({ ledgerBefore }) => JSON.parse(ledgerBefore.trimEnd().split('\n').at(-1)!));
    expect(last.map(({ seq, what }) => `${seq} ${what}`)).toEqual([
      '0 data-counts',
      '1 data-counts',
      '2 upload-announcement',
      '3 sealed-update',
      '4 update-figures',
      '5 reason-code',
      '6 sealed-evaluation',
      '7 reason-code',
      '8 progress-hints',
    ]);
    for (const [index, { body }] of received.entries()) {
      expect(last[index]).toMatchObject({
        bytes: body.length,
        sha256: sha256Hex(body),
        destination: fingerprint(keys),
        study,
      });
    }
    expect(last[3]).toMatchObject({ ...round, purpose: 'training', epsilon: 1.5 });
    expect(ledger.head().size).toBe(9);
  });

  test('sends nothing once the ledger cannot be written, and goes on when it can', async () => {
    const { append } = ledgerFile;
    ledgerFile.append = () => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
    const declined = link.declineStudy(study, { reason: 'late' }, signal);
    await expect(declined).rejects.toThrow(EgressLedgerError);
    await expect(declined).rejects.toThrow(/Cannot send: the egress ledger .* \(ENOSPC\).* Make room on the disk/);
    expect(received).toHaveLength(0);
    ledgerFile.append = append;
    await link.declineStudy(study, { reason: 'late' }, signal);
    expect(received).toHaveLength(1);
    expect(ledger.head().size).toBe(1);
  });
});
