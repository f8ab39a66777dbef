/** Identifiers of patients are in the data, in the names of folders and in what fails; they must not be in the audit of what left. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointText, logKey } from '@wardround/protocols/audit/checkpoint.ts';
import { encodeNote, signNote } from '@wardround/protocols/audit/signed-note.ts';
import { uploadStatementHash } from '@wardround/protocols/transfer/resumable-upload.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { sha256, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { SIGNATURE_HEADERS, signAnswer } from '@wardround/shared/crypto/signed-request.ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runCli } from '../cli/run-cli.ts';
import { readCohort } from '../data/read-cohort.ts';
import { dataPlan } from '../data/test-support/data-plan.ts';
import { expectNoIdentifier, plantIdentifiers } from '../data/test-support/plant-identifiers.ts';
import type { SiteFolder } from '../data/test-support/site-folder.ts';
import { openSiteLink } from '../link/site-link.ts';
import { writeMembership } from '../state/membership.ts';
import { openSequenceNumbers } from '../state/sequence-numbers.ts';
import { openSiteIdentity } from '../state/site-identity.ts';
import { openEgressLedger } from './egress-ledger.ts';
import { watchCoordinator } from './watch-coordinator.ts';

const signing = generateIdentity();
const keys = publicKeys(signing);
const hash = 'a'.repeat(64);
const { signal } = new AbortController();

let planted: SiteFolder;
let temporary: string;
/** The site's folder, which somebody named after a patient. */
let folder: string;
let server: Server;
/** How many records the coordinator's log has. */
let logSize: number;
let bodies: Buffer[];

function answerTo(path: string): string {
  if (!path.startsWith('/v1/audit/checkpoint')) return '{"ok":true}';
  const log = { fingerprint: fingerprint(keys), signingKey: keys.signingKey };
  const text = checkpointText({ size: logSize, root: sha256(String(logSize)) }, logKey(log).name);
  const note = encodeNote(text, [signNote(text, { ...logKey(log), signingSeed: signing.signingSeed })]);
  return canonicalJson({ note, consistency: [] });
}

/** Believes every piece of an upload. */
function uploadAnswer({ url = '', method, headers }: IncomingMessage, body: Buffer | undefined) {
  if (!url.startsWith('/v1/uploads') || body === undefined) return null;
  const [status, offset] = method === 'POST' ? [201, 0] : [204, body.length];
  const state = { offset, length: 6 };
  const requestNonce = String(headers[SIGNATURE_HEADERS.nonce]);
  const signed = { identity: signing, status, bodyHash: uploadStatementHash(state), nowMillis: Date.now() };
  const said = { 'upload-offset': String(state.offset), 'upload-length': String(state.length) };
  return { status, headers: { ...signAnswer({ ...signed, requestNonce }), ...said } };
}

beforeEach(async () => {
  planted = plantIdentifiers();
  temporary = await mkdtemp(join(tmpdir(), 'wardround-private-'));
  folder = join(temporary, 'KANARIENVOGEL_Hans', 'St-Elsewhere');
  await mkdir(folder, { recursive: true });
  logSize = 5;
  bodies = [];
  server = createServer((request, response) => {
    if (request.url?.startsWith('/socket.io/')) return response.writeHead(404).end();
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      if (request.method !== 'GET') bodies.push(Buffer.concat(pieces));
      const upload = uploadAnswer(request, bodies.at(-1));
      if (upload !== null) return response.writeHead(upload.status, upload.headers).end();
      const text = answerTo(request.url ?? '');
      const requestNonce = String(request.headers[SIGNATURE_HEADERS.nonce]);
      const signed = { identity: signing, status: 200, bodyHash: sha256Hex(text), nowMillis: Date.now() };
      return response.writeHead(200, signAnswer({ ...signed, requestNonce })).end(text);
    });
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  vi.restoreAllMocks();
  server.closeAllConnections();
  server.close();
  planted.remove();
  await rm(temporary, { recursive: true });
});

test('no identifier of a patient is in the egress ledger, in evidence, in what the commands print or in what was sent', async () => {
  const printed = [
    vi.spyOn(console, 'log').mockImplementation(() => undefined),
    vi.spyOn(console, 'error').mockImplementation(() => undefined),
  ];
  const identity = await openSiteIdentity(folder);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const coordinator = { url, fingerprint: fingerprint(keys), ...keys };
  await writeMembership(folder, { site: 'clinic', coordinator, dataDirectory: planted.directory });
  const ledger = await openEgressLedger(folder, { identity });
  const blobFolder = join(folder, 'blobs');
  const sequence = openSequenceNumbers(folder);
  const settings = { coordinator, identity, site: 'clinic', sequence, blobFolder, onHint: () => undefined };
  const link = openSiteLink({ ...settings, recordEgress: ledger.record });
  const errors: string[] = [];
  const note = (error: Error) => errors.push(`${error.message} ${JSON.stringify(error)}`);
  try {
    const cohort = await readCohort({ directory: planted.directory, plan: dataPlan(), workers: 1 });
    const { inventory, quarantine } = cohort;
    const engine = { kind: 'wasm', description: 'WebAssembly' } as const;
    await link.ready(hash, { inventory, quarantine, engine }, signal);
    const round = { study: hash, stage: 'slices', round: 1 };
    const file = join(folder, 'Canary-q4711w.update');
    await writeFile(file, 'sealed');
    await link.upload({ hash: sha256Hex('sealed'), file, bytes: 6, round }, signal);
    await link.declineRound(round, { reason: Object.keys(quarantine)[0]! }, signal);

    // What fails tells no more: a site's folder and a round that hold a name, a log that is refused.
    const intruding = { ...round, stage: 'KANARIENVOGEL' };
    await link.declineRound(intruding, { reason: 'late' }, signal).catch(note);
    const watch = watchCoordinator(folder, { site: 'clinic', identity, coordinator, link, ledger });
    await watch.check(signal);
    logSize = 4;
    await watch.check(signal).catch(note);
    await ledger.close();
    await link.declineStudy(hash, { reason: 'late' }, signal).catch(note);
  } finally {
    link.close();
  }
  expect(errors).toHaveLength(3);
  for (const error of errors) expectNoIdentifier(error);

  const files = readdirSync(join(folder, 'audit'));
  const kinds = files.map((name) => name.replace(/-[0-9a-f]{16}/, ''));
  expect(kinds.sort()).toEqual(['egress-head.json', 'egress.jsonl', 'evidence.json', 'seen-checkpoint.json']);
  for (const name of files) expectNoIdentifier(name + readFileSync(join(folder, 'audit', name), 'utf8'));
  expect(bodies.length).toBeGreaterThan(3);
  for (const body of bodies) expectNoIdentifier(body.toString());

  expect(await runCli(['audit', 'show', '--state', folder])).toBe(0);
  expect(await runCli(['audit', 'verify', '--state', folder])).toBe(0);
  await writeFile(join(folder, 'audit', 'egress.jsonl'), '{"name":"KANARIENVOGEL"}\n');
  expect(await runCli(['audit', 'verify', '--state', folder])).toBe(1);
  for (const spy of printed) {
    expect(spy).toHaveBeenCalled();
    expectNoIdentifier(JSON.stringify(spy.mock.calls));
  }
});
