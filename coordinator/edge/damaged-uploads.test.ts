/** Uploads and offers that the network, a proxy or a faulty site has damaged, repeated or held back: over real HTTP. */
import { request as httpRequest } from 'node:http';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { seal } from '@wardround/shared/crypto/sealed-envelope.ts';
import { signRequest } from '@wardround/shared/crypto/signed-request.ts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { nextWork, startTestCoordinator, type TestCoordinator, testPlan } from '../testing/test-coordinator.ts';
import { madeUpUpdate, type TestSite } from '../testing/test-site.ts';

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

const offerPath = (round: number): string => `/v1/studies/${study}/stages/slices/rounds/${round}/update`;

async function trained(site: TestSite) {
  const work = await nextWork(site);
  if (work.kind !== 'train') throw new Error(`expected training, found ${work.kind}`);
  return { work, update: await madeUpUpdate(work, site) };
}

function signed(site: TestSite, bytes: Uint8Array): Record<string, string> {
  return signRequest({
    identity: site.identity,
    site: site.site,
    method: 'PUT',
    path: `/v1/blobs/${sha256Hex(bytes)}`,
    bodyHash: sha256Hex(bytes),
    coordinatorFingerprint: site.coordinator.fingerprint,
    nowMillis: Date.now(),
  });
}

/** Sends half of what it announces and breaks the connection. */
async function cutOff(site: TestSite, bytes: Uint8Array): Promise<void> {
  const upload = httpRequest(`${site.coordinator.url}/v1/blobs/${sha256Hex(bytes)}`, {
    method: 'PUT',
    headers: { ...signed(site, bytes), 'content-length': bytes.length },
  });
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
    await cutOff(basel, update.sealed);
    const missing = await basel.post(offerPath(1), update.offer);
    expect([missing.status, missing.body.code]).toEqual([409, 'blob-missing']);

    for (const changed of [flipped(update.sealed), update.sealed.subarray(0, -1)]) {
      const headers = signed(basel, update.sealed);
      const answer = await fetch(`${basel.coordinator.url}/v1/blobs/${update.offer.blob}`, {
        method: 'PUT',
        headers,
        body: Buffer.from(changed),
      });
      expect([answer.status, await answer.json()]).toMatchObject([422, { code: 'blob-mismatch' }]);
      expect((await basel.post(offerPath(1), update.offer)).body.code).toBe('blob-missing');
    }
    expect((await basel.upload(update.sealed)).status).toBe(200);
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
    const recorded = { method: 'PUT', headers: signed(zurich, update.sealed), body: Buffer.from(update.sealed) };
    const put = () => fetch(`${zurich.coordinator.url}/v1/blobs/${update.offer.blob}`, recorded);
    expect((await put()).status).toBe(200);
    const replayed = await put();
    expect([replayed.status, await replayed.json()]).toMatchObject([401, { code: 'replayed' }]);
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
