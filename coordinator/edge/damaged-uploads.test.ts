/** Uploads and offers that the network, a proxy or a faulty site has damaged, repeated or held back: over real HTTP. */
import { request as httpRequest } from 'node:http';
import { uploadPieceBytes } from '@wardround/protocols/transfer/resumable-upload.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { seal } from '@wardround/shared/crypto/sealed-envelope.ts';
import { signRequest } from '@wardround/shared/crypto/signed-request.ts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { nextWork, startTestCoordinator, type TestCoordinator, testPlan } from '../testing/test-coordinator.ts';
import { madeUpUpdate, nextSequence, type TestSite } from '../testing/test-site.ts';

let coordinator: TestCoordinator;
let sites: TestSite[];
let study: string;

beforeAll(async () => {
  coordinator = await startTestCoordinator();
  sites = await coordinator.join('basel', 'bern', 'geneva', 'zurich');
  study = await coordinator.launch(testPlan({ quorum: 1, rounds: 2 }));
  for (const site of sites) await site.doWork(await nextWork(site));
});
afterAll(() => coordinator.close());

const piece = uploadPieceBytes;
const offerPath = (round: number): string => `/v1/studies/${study}/stages/slices/rounds/${round}/update`;

async function trained(site: TestSite) {
  const work = await nextWork(site);
  if (work.kind !== 'train') throw new Error(`expected training, found ${work.kind}`);
  return { work, update: await madeUpUpdate(work, site) };
}

const headersOf = (offset: number) => ({
  'content-type': 'application/offset+octet-stream',
  'tus-resumable': '1.0.0',
  'upload-offset': String(offset),
});

/** A piece that is ready to be sent, signed. */
function signed(site: TestSite, { upload, offset, bytes }: { upload: string; offset: number; bytes: Uint8Array }) {
  const path = `/v1/uploads/${upload}?offset=${offset}`;
  const signature = signRequest({
    identity: site.identity,
    site: site.site,
    method: 'PATCH',
    path,
    bodyHash: sha256Hex(bytes),
    coordinatorFingerprint: site.coordinator.fingerprint,
    nowMillis: Date.now(),
    sequence: nextSequence(),
  });
  return { url: site.coordinator.url + path, headers: { ...headersOf(offset), ...signature } };
}

/** Sends half of what it announces and breaks the connection. */
async function cutOff(site: TestSite, bytes: Uint8Array): Promise<void> {
  const { url, headers } = signed(site, { upload: sha256Hex(bytes), offset: 0, bytes });
  const upload = httpRequest(url, { method: 'PATCH', headers: { ...headers, 'content-length': bytes.length } });
  upload.on('error', () => undefined);
  await new Promise<void>((resolve) => upload.write(bytes.subarray(0, bytes.length / 2), () => resolve()));
  const closed = new Promise<void>((resolve) => upload.once('close', () => resolve()));
  upload.destroy();
  await closed;
}

describe('an upload', () => {
  test('that was cut off, or changed under way, is as if it had not been, and can be sent again', async () => {
    const basel = sites[0]!;
    const { update } = await trained(basel);
    const upload = update.offer.blob;
    const first = update.sealed.subarray(0, piece);
    expect((await basel.announce(update.sealed)).status).toBe(201);
    await cutOff(basel, first);
    const missing = await basel.post(offerPath(1), update.offer);
    expect([missing.status, missing.body.code]).toEqual([409, 'blob-missing']);

    for (const [changed, status, code] of [
      [flipped(first), 460, 'body-hash-mismatch'],
      [first.subarray(0, -1), 460, 'body-hash-mismatch'],
    ] as const) {
      const answer = await basel.sendPiece(changed, { upload, offset: 0, changes: { bodyHash: sha256Hex(first) } });
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect((await basel.post(offerPath(1), update.offer)).body.code).toBe('blob-missing');
    }

    // A sound piece in the wrong place is told the right one.
    const elsewhere = await basel.sendPiece(first, { upload, offset: 10 * piece });
    expect([elsewhere.status, elsewhere.body.code, elsewhere.headers['upload-offset']]).toEqual([
      409,
      'offset-mismatch',
      '0',
    ]);

    // What was acknowledged stays; a repeat is acknowledged alike; what is whole at last but wrong is begun again.
    const wrong = flipped(first);
    for (let i = 0; i < 2; i++) {
      const counted = await basel.sendPiece(wrong, { upload, offset: 0 });
      expect([counted.status, counted.headers['upload-offset']]).toEqual([204, String(first.length)]);
    }
    let last = await basel.request('HEAD', `/v1/uploads/${upload}`, { headers: headersOf(0) });
    expect([last.status, last.headers['upload-offset']]).toEqual([200, String(first.length)]);
    for (let offset = first.length; offset < update.sealed.length; offset += piece) {
      last = await basel.sendPiece(update.sealed.subarray(offset, offset + piece), { upload, offset });
    }
    expect([last.status, last.body.code]).toEqual([422, 'blob-mismatch']);
    expect((await basel.request('HEAD', `/v1/uploads/${upload}`, { headers: headersOf(0) })).status).toBe(404);

    expect((await basel.upload(update.sealed)).status).toBe(204);
    const again = await basel.announce(update.sealed);
    expect([again.status, again.headers['upload-offset']]).toEqual([201, String(update.sealed.length)]);
    expect((await basel.post(offerPath(1), update.offer)).body).toEqual({ ok: true });
  });

  test('of the wrong length, or with its segments in another order, is refused before it is added', async () => {
    const [, bern, geneva] = sites as [TestSite, TestSite, TestSite, TestSite];
    const short = (await trained(bern)).update;
    const vector = short.vector.subarray(0, -4);
    const { sealingKey: recipientSealingKey } = bern.coordinator;
    const sealed = seal(vector, { recipientSealingKey, context: short.context });
    await bern.upload(sealed);
    const tooShort = await bern.post(offerPath(1), { ...short.offer, blob: sha256Hex(sealed) });
    expect([tooShort.status, tooShort.body.code]).toEqual([422, 'update-wrong-length']);

    const whole = (await trained(geneva)).update;
    const segment = 1024 * 1024;
    const from = whole.sealed.length - 3 * segment;
    const reordered = Buffer.concat([
      whole.sealed.subarray(0, from),
      whole.sealed.subarray(from + segment, from + 2 * segment),
      whole.sealed.subarray(from, from + segment),
      whole.sealed.subarray(from + 2 * segment),
    ]);
    expect(reordered).toHaveLength(whole.sealed.length);
    await geneva.upload(reordered);
    const answer = await geneva.post(offerPath(1), { ...whole.offer, blob: sha256Hex(reordered) });
    expect([answer.status, answer.body.code]).toEqual([422, 'seal-broken']);
  });

  test('replayed as it was recorded is refused, and the others go on', async () => {
    const zurich = sites[3]!;
    const { update } = await trained(zurich);
    const upload = update.offer.blob;
    const bytes = update.sealed.subarray(0, piece);
    await zurich.announce(update.sealed);
    const { url, headers } = signed(zurich, { upload, offset: 0, bytes });
    const patch = () => fetch(url, { method: 'PATCH', headers, body: Buffer.from(bytes) });
    expect((await patch()).status).toBe(204);
    const replayed = await patch();
    expect([replayed.status, await replayed.json()]).toMatchObject([401, { code: 'sequence-repeated' }]);
    expect((await zurich.upload(update.sealed)).status).toBe(204);
    expect((await zurich.post(offerPath(1), update.offer)).body).toEqual({ ok: true });
    await vi.waitFor(async () => {
      const { state } = await coordinator.study(study);
      expect(state.stages[0]?.rounds[0]).toMatchObject({
        outcome: { kind: 'committed', participants: ['basel', 'zurich'] },
        leftOut: [
          { site: 'bern', reason: 'update-wrong-length' },
          { site: 'geneva', reason: 'seal-broken' },
        ],
      });
    }, 10_000);
  });
});

describe('the upload protocol', () => {
  test('says what it speaks, and refuses what speaks otherwise or says two things', async () => {
    const [basel] = sites as [TestSite];
    const options = await basel.request('OPTIONS', '/v1/uploads');
    expect([options.status, options.headers]).toMatchObject([
      204,
      {
        'tus-version': '1.0.0',
        'tus-extension': 'creation,expiration,termination,checksum',
        'tus-checksum-algorithm': 'sha256',
      },
    ]);
    const older = await basel.request('POST', '/v1/uploads', { headers: { 'tus-resumable': '0.2.2' } });
    expect([older.status, older.body.code, older.headers['tus-version']]).toEqual([412, 'tus-version', '1.0.0']);

    const upload = 'd'.repeat(64);
    const bytes = Buffer.from('piece');
    const send = (headers: Record<string, string>) =>
      basel.sendPiece(bytes, { upload, offset: 0, changes: { headers } });
    for (const [headers, status] of [
      [{ 'upload-offset': '1' }, 422],
      [{ 'upload-checksum': 'sha256 AAAA' }, 422],
      [{ 'content-type': 'application/octet-stream' }, 415],
      [{ 'content-encoding': 'gzip' }, 415],
    ] as const) {
      expect((await send(headers)).status).toBe(status);
    }
    expect((await send({})).body.code).toBe('upload-not-found');
    const stranger = await fetch(`${basel.coordinator.url}/v1/uploads`, {
      method: 'POST',
      headers: { 'tus-resumable': '1.0.0' },
    });
    expect(stranger.status).toBe(401);
  });

  test('lets a site give an unfinished upload up, and only its own', async () => {
    const [basel, , geneva] = sites as [TestSite, TestSite, TestSite];
    await trained(basel);
    const bytes = Buffer.from('given up');
    const path = `/v1/uploads/${sha256Hex(bytes)}`;
    const headers = headersOf(0);
    const announced = await basel.announce(bytes);
    expect(announced.headers).toMatchObject({ location: path, 'upload-expires': expect.stringContaining('GMT') });
    expect((await geneva.request('DELETE', path, { headers })).status).toBe(404);
    expect((await basel.request('DELETE', path, { headers })).status).toBe(204);
    expect((await basel.request('DELETE', path, { headers })).status).toBe(404);
  });
});

describe('an offer', () => {
  test('held back until the next round changes nothing: its own repeat is acknowledged, another is refused', async () => {
    const [basel, bern] = sites as [TestSite, TestSite, TestSite, TestSite];
    await trained(basel);
    const before = (await coordinator.study(study)).state;
    const accepted = before.stages[0]!.rounds[0]!.accepted.find(({ site }) => site === 'basel')!;
    const { startModel } = before.stages[0]!.rounds[0]!;
    const offer = {
      blob: accepted.blob,
      model: startModel,
      layout: before.stages[0]!.layout,
      figures: accepted.figures,
    };
    expect((await basel.post(offerPath(1), offer)).body).toEqual({ ok: true });
    const other = await basel.post(offerPath(1), { ...offer, blob: 'e'.repeat(64) });
    expect([other.status, other.body.code]).toEqual([409, 'equivocation']);
    const late = await bern.post(offerPath(1), offer);
    expect([late.status, late.body.code]).toEqual([409, 'left-out']);
    expect((await coordinator.study(study)).state).toEqual(before);
  });
});

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[Math.floor(copy.length / 2)]! ^= 1;
  return copy;
}
