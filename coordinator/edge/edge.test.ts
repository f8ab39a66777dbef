/** What arrives at the edge, well-formed or not: over real HTTP with real keys. */
import { connect } from 'node:net';
import { decodeInvitation } from '@wardround/protocols/enrolment/invitation.ts';
import { encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { generateIdentity } from '@wardround/shared/crypto/identity.ts';
import { seal } from '@wardround/shared/crypto/sealed-envelope.ts';
import { SIGNATURE_HEADERS, signRequest } from '@wardround/shared/crypto/signed-request.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestCoordinator, type TestCoordinator, testPlan } from '../testing/test-coordinator.ts';
import {
  createTestSite,
  enrolment,
  joinTestSite,
  madeUpUpdate,
  nextSequence,
  readiness,
  sealReport,
  type TestSite,
} from '../testing/test-site.ts';
import { limits } from './limits.ts';

let coordinator: TestCoordinator;
let basel: TestSite;
let geneva: TestSite;
let lugano: TestSite;
let study: string;
const absent = 'f'.repeat(64);

beforeAll(async () => {
  coordinator = await startTestCoordinator({ admitInvited: false });
  [basel, geneva] = (await coordinator.join('basel', 'geneva')) as [TestSite, TestSite];
  await coordinator.admit('basel', 'geneva');
  study = await coordinator.launch(testPlan());
});
afterAll(() => coordinator.close());

const update = (round: number, stage = 'slices', of = study) =>
  `/v1/studies/${of}/stages/${stage}/rounds/${round}/update`;

describe('signatures', () => {
  test('let an admitted site in, and the answer is signed for this request', async () => {
    // createTestSite verifies every answer against the request's nonce.
    expect(await basel.work()).toMatchObject({ kind: 'prepare', study });
  });

  test.each([
    ['of another key', () => ({ identity: generateIdentity() }), 'signature-invalid'],
    ['of another site', () => ({ identity: geneva.identity }), 'signature-invalid'],
    ['for another coordinator', () => ({ fingerprint: absent }), 'signature-invalid'],
    ['of an unknown site', () => ({ site: 'nowhere' }), 'site-not-enrolled'],
    ['that is too old', () => ({ nowMillis: Date.now() - limits.clockToleranceMillis - 5000 }), 'clock-skew'],
    ['from the future', () => ({ nowMillis: Date.now() + limits.clockToleranceMillis + 5000 }), 'clock-skew'],
  ])('%s are refused', async (_, changes, code) => {
    const answer = await basel.request('GET', '/v1/work', changes());
    expect([answer.status, answer.body.code]).toEqual([401, code]);
  });

  test('are needed', async () => {
    const answer = await fetch(`${basel.coordinator.url}/v1/work`);
    expect([answer.status, await answer.json()]).toMatchObject([401, { code: 'signature-missing' }]);
  });

  test('cannot be used twice, also not after the coordinator forgot everything but its disk', async () => {
    const headers = recordRequest(basel).headers;
    const replay = () => fetch(`${basel.coordinator.url}/v1/work`, { headers });
    expect((await replay()).status).toBe(200);
    const again = await replay();
    expect([again.status, await again.json()]).toMatchObject([401, { code: 'sequence-repeated' }]);
  });

  test('count in any order within the window, none twice and none from before it, also after a restart', async () => {
    const work = (sequence: number) => geneva.request('GET', '/v1/work', { sequence });
    const first = nextSequence() + 5000;
    for (const sequence of [first, first - 3, first - 1023, first + 2]) {
      expect((await work(sequence)).status).toBe(200);
    }
    for (const restarted of [false, true]) {
      if (restarted) await coordinator.restart();
      const leastSequence = first + 3;
      for (const sequence of [first, first - 3, first + 2]) {
        expect(await work(sequence)).toMatchObject({ status: 401, body: { code: 'sequence-repeated', leastSequence } });
      }
      expect(await work(first - 1023)).toMatchObject({
        status: 401,
        body: { code: 'sequence-too-old', leastSequence },
      });
    }
    expect((await work(first - 1)).status).toBe(200);
    while (nextSequence() < first + 3);
  });

  test('of an enrolled site are numbered', async () => {
    const { headers } = recordRequest(basel, null);
    const answer = await fetch(`${basel.coordinator.url}/v1/work`, { headers });
    expect([answer.status, await answer.json()]).toMatchObject([401, { code: 'sequence-missing' }]);
  });

  test('bind method, path and body', async () => {
    const { headers } = recordRequest(basel);
    const moved = await fetch(`${basel.coordinator.url}/v1/work?x=1`, { headers });
    expect(await moved.json()).toMatchObject({ code: 'signature-invalid' });
    const body = JSON.stringify(readiness);
    const changed = await basel.request('POST', `/v1/studies/${study}/ready`, {
      body: body.replace('90', '91'),
      bodyHash: sha256Hex(body),
    });
    expect([changed.status, changed.body.code]).toEqual([422, 'body-hash-mismatch']);
  });

  test('of garbage in any header are refused and change nothing', async () => {
    const random = createRandom('headers');
    for (const name of Object.values(SIGNATURE_HEADERS)) {
      for (const garbage of ['', ' ', 'x', '%00', '0'.repeat(4000), 'é', '{"$ne":1}', String(random.next())]) {
        const { headers } = recordRequest(basel);
        const answer = await fetch(`${basel.coordinator.url}/v1/work`, {
          headers: { ...headers, [name]: encodeURIComponent(garbage) },
        });
        expect(answer.status).toBe(401);
        expect(await answer.json()).toMatchObject({ code: expect.stringMatching(/^s(ignature|ite)-/) });
      }
    }
  });

  test('of sites do not open the administrator’s doors, nor his the sites’', async () => {
    const site = await basel.request('GET', '/v1/admin/sites');
    expect([site.status, site.body.code]).toEqual([403, 'not-yours']);
    await expect(coordinator.admin.get('/v1/work')).rejects.toMatchObject({ code: 'not-yours' });
  });
});

describe('enrolment', () => {
  test('waits for the administrator, then is admitted', async () => {
    lugano = await joinTestSite(await coordinator.invite('lugano'));
    expect(await lugano.work()).toMatchObject({ kind: 'pending-admission' });
    const early = await lugano.post(`/v1/studies/${study}/ready`, readiness);
    expect([early.status, early.body.code]).toEqual([403, 'pending-admission']);
    await coordinator.admit('lugano');
    expect(await lugano.work()).toMatchObject({ kind: 'prepare', study });
    // So that the study below is about two sites.
    await lugano.post(`/v1/studies/${study}/decline`, { reason: 'not-approved' });
    expect(await lugano.work()).toMatchObject({ kind: 'idle' });
  });

  test('gives the same keys the same answer, and other keys none', async () => {
    const token = await coordinator.invite('bern');
    const { secret } = decodeInvitation(token);
    const bern = await joinTestSite(token);
    expect(await bern.post('/v1/enrolments', enrolment(bern, secret))).toMatchObject({ status: 200 });
    const thief = createTestSite({ ...bern, identity: generateIdentity() });
    const stolen = await thief.post('/v1/enrolments', enrolment(thief, secret));
    expect([stolen.status, stolen.body.code]).toEqual([403, 'invitation-used']);
    await expect(coordinator.invite('bern')).rejects.toMatchObject({ code: 'site-exists' });
    await expect(coordinator.invite('coordinator')).rejects.toMatchObject({ code: 'name-reserved' });
  });

  test('refuses invented, foreign and misdirected secrets', async () => {
    const { secret } = decodeInvitation(await coordinator.invite('chur'));
    const chur = createTestSite({ ...basel, site: 'chur', identity: generateIdentity() });
    const davos = createTestSite({ ...basel, site: 'davos', identity: generateIdentity() });
    const good = enrolment(chur, secret);
    const mismatched = await davos.post('/v1/enrolments', good);
    expect(mismatched.status).toBe(422);
    for (const [site, message] of [
      [chur, enrolment(chur, new Uint8Array(32))],
      [davos, enrolment(davos, secret)],
      [davos, { ...good, site: 'davos' }],
      [chur, { ...good, sealedSecret: 'AAAA' }],
    ] as const) {
      const answer = await site.post('/v1/enrolments', message);
      expect([401, 403]).toContain(answer.status);
    }
    const zero = encodeBase64Url(new Uint8Array(32));
    const unusable = await chur.post('/v1/enrolments', { ...good, sealingKey: zero });
    expect([unusable.status, unusable.body.code]).toEqual([422, 'key-unusable']);
    expect(await chur.post('/v1/enrolments', good)).toMatchObject({ status: 200, body: { status: 'pending' } });
  });
});

describe('messages', () => {
  const posts = () =>
    [
      '/v1/enrolments',
      `/v1/studies/${study}/ready`,
      `/v1/studies/${study}/decline`,
      update(1),
      update(1).replace('update', 'decline'),
      `/v1/studies/${study}/evaluation`,
      '/v1/progress',
    ] as const;

  test('that are garbage are refused with a code, never repeated, and change nothing', async () => {
    const before = (await coordinator.study(study)).state;
    const marker = 'Mustermann';
    const bodies = [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '1e999',
      `{"${marker}":1}`,
      `{"__proto__":{"site":"x"},"constructor":1}`,
      `{"reason":"${marker}","reason":"x"}`,
      '{"reason":{"a":[]}}',
      `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
      Uint8Array.of(0xff, 0xfe, 0x00, 0x80),
      JSON.stringify({ ...readiness, inventory: { ...readiness.inventory, patients: -1 } }),
      JSON.stringify({ ...readiness, quarantine: { [marker]: 1 } }),
      JSON.stringify({ ...readiness, extra: 1 }),
      JSON.stringify({
        blob: absent,
        model: absent,
        layout: absent,
        figures: { loss: 'low', steps: 1, samples: 1, seconds: 1 },
      }),
    ];
    for (const path of posts()) {
      for (const body of bodies) {
        const answer = await basel.request('POST', path, { body });
        expect([400, 422]).toContain(answer.status);
        expect(JSON.stringify(answer.body)).not.toContain(marker);
      }
    }
    expect((await coordinator.study(study)).state).toEqual(before);
    expect(coordinator.log.join('\n')).not.toContain(marker);
  });

  test('that are too large are refused before they are read', async () => {
    const answer = await basel.request('POST', `/v1/studies/${study}/ready`, {
      body: ' '.repeat(limits.messageBytes + 1),
    });
    expect([answer.status, answer.body.code]).toEqual([413, 'message-too-large']);
  });

  test('that are compressed are refused', async () => {
    const headers = { 'content-encoding': 'gzip' };
    const answer = await basel.request('POST', '/v1/progress', { body: '{}', headers });
    expect([answer.status, answer.body.code]).toEqual([415, 'encoding-not-accepted']);
  });

  test('to addresses that do not exist are not found', async () => {
    for (const path of [
      '/',
      '/v2/work',
      '/v1/work/',
      '/v1/Work',
      `/v1/studies/${absent}/ready`,
      '/v1/studies/x/ready',
      update(0),
      update(1, 'Sl%20ices'),
      '/v1/blobs/..%2f..%2fidentity.json',
      '/v1/blobs/%ff',
    ]) {
      const answer = await basel.request(path.includes('blobs') ? 'GET' : 'POST', path, {
        body: path.includes('blobs') ? '' : '{}',
      });
      expect([400, 404, 422]).toContain(answer.status);
      expect(answer.body.code).not.toBe('internal-error');
    }
  });

  test('that are no HTTP end the connection and nothing else', async () => {
    const { hostname, port } = new URL(basel.coordinator.url);
    for (const bytes of ['\0\0\0', 'GET / HTTP/9.9\r\n\r\n', `GET / HTTP/1.1\r\n${'x: y\r\n'.repeat(3000)}\r\n`]) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), hostname, () => socket.write(bytes));
        socket.on('data', () => undefined);
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
      });
    }
    expect(await basel.work()).toMatchObject({ kind: 'prepare' });
  });
});

describe('a round, at the edge', () => {
  test('takes sound updates, leaves out nonsense with its reason, and answers repeats alike', async () => {
    for (const site of [basel, geneva]) {
      await site.doWork(await site.work());
    }
    const work = await untilTraining(basel);
    const early = await basel.post(`/v1/studies/${study}/evaluation`, { sealed: sealReport(study, basel) });
    expect([early.status, early.body.code]).toEqual([409, 'out-of-turn']);
    const own = await madeUpUpdate(work, basel);

    // Uploads: only what was announced, only so much, only in full.
    const x = Buffer.from('x');
    expect((await basel.announce(x, { sha256: absent })).status).toBe(201);
    const other = await basel.sendPiece(x, { upload: absent, offset: 0, changes: { bodyHash: absent } });
    expect([other.status, other.body.code]).toEqual([460, 'body-hash-mismatch']);
    const mismatch = await basel.sendPiece(x, { upload: absent, offset: 0 });
    expect([mismatch.status, mismatch.body.code]).toEqual([422, 'blob-mismatch']);
    const tooLarge = await basel.upload(new Uint8Array(own.sealed.length + 1));
    expect([tooLarge.status, tooLarge.body.code]).toEqual([413, 'blob-too-large']);

    // Offers out of turn change nothing.
    for (const [path, offer, code] of [
      [update(1), own.offer, 'blob-missing'],
      [update(2), own.offer, 'wrong-round'],
      [update(1, 'other'), own.offer, 'wrong-stage'],
      [update(1, 'slices', absent), own.offer, 'wrong-study'],
    ] as const) {
      const answer = await basel.post(path, offer);
      expect([answer.status, answer.body.code]).toEqual([code === 'wrong-study' ? 404 : 409, code]);
    }

    // Basel's own update is taken, and taken once.
    expect((await basel.upload(own.sealed)).status).toBe(204);
    expect((await geneva.request('GET', `/v1/blobs/${own.offer.blob}`)).body.code).toBe('blob-not-found');
    for (let i = 0; i < 2; i++) expect((await basel.post(update(1), own.offer)).body).toEqual({ ok: true });
    const second = await madeUpUpdate(work, basel);
    await basel.upload(second.sealed);
    expect((await basel.post(update(1), second.offer)).body.code).toBe('equivocation');

    // Geneva offers Basel's envelope as its own: it does not open there.
    await untilTraining(geneva);
    expect((await geneva.upload(own.sealed)).status).toBe(204);
    const stolen = await geneva.post(update(1), own.offer);
    expect([stolen.status, stolen.body.code]).toEqual([422, 'seal-broken']);
    const again = await geneva.post(update(1), own.offer);
    expect([again.status, again.body.code]).toEqual([409, 'left-out']);

    const { state } = await coordinator.study(study);
    expect(state.phase).toEqual({ kind: 'failed', reason: 'quorum-not-met' });
    expect(state.stages[0]?.rounds[0]).toMatchObject({
      accepted: [{ site: 'basel' }],
      leftOut: [{ site: 'geneva', reason: 'seal-broken' }],
    });
    expect((await basel.upload(own.sealed)).body.code).toBe('no-upload-expected');
  });

  test('names what is wrong with an update that opens', async () => {
    const plan = { ...testPlan({ quorum: 1 }), name: 'faults' };
    const faults = await coordinator.launch(plan);
    await lugano.post(`/v1/studies/${faults}/decline`, { reason: 'not-approved' });
    for (const site of [basel, geneva]) await site.doWork(await site.work());
    const work = await untilTraining(basel);
    const { vector, context, offer } = await madeUpUpdate(work, basel);
    const broken = vector.slice();
    new DataView(broken.buffer).setInt32(4 * 1000, 0x7fff_ffff, true);
    const sealed = seal(broken, { recipientSealingKey: basel.coordinator.sealingKey, context });
    await basel.upload(sealed);
    const answer = await basel.post(update(1, 'slices', faults), { ...offer, blob: sha256Hex(sealed) });
    expect([answer.status, answer.body.code]).toEqual([422, 'update-out-of-range']);
    const wrongLayout = await geneva.post(update(1, 'slices', faults), { ...offer, layout: absent });
    expect([wrongLayout.status, wrongLayout.body.code]).toEqual([409, 'wrong-layout']);
    const { state } = await coordinator.study(faults);
    expect(state.stages[0]?.rounds[0]?.leftOut).toEqual([
      { site: 'basel', reason: 'update-out-of-range' },
      { site: 'geneva', reason: 'wrong-layout' },
    ]);
  });
});

describe('blobs', () => {
  test('are given in parts, as often as asked, and never change', async () => {
    const { state } = await coordinator.study(study);
    const whole = await basel.download(state.planBlob);
    const path = `/v1/blobs/${state.planBlob}`;
    const part = await basel.request('GET', path, { headers: { range: 'bytes=10-' } });
    expect(part.status).toBe(206);
    expect(part.headers).toMatchObject({
      etag: `"${state.planBlob}"`,
      'content-range': `bytes 10-${whole.length - 1}/${whole.length}`,
    });
    expect(part.body).toEqual(whole.subarray(10));
    const beyond = await basel.request('GET', path, { headers: { range: `bytes=${whole.length}-` } });
    expect(beyond.status).toBe(416);
  });

  test('that are not there are not found', async () => {
    const answer = await basel.request('GET', `/v1/blobs/${absent}`);
    expect([answer.status, answer.body.code]).toEqual([404, 'blob-not-found']);
  });
});

/** The headers of a request that was signed but never sent. */
function recordRequest(site: TestSite, sequence: number | null = nextSequence()): { headers: Record<string, string> } {
  const headers = signRequest({
    identity: site.identity,
    site: site.site,
    method: 'GET',
    path: '/v1/work',
    bodyHash: sha256Hex(''),
    coordinatorFingerprint: site.coordinator.fingerprint,
    nowMillis: Date.now(),
    sequence,
  });
  return { headers };
}

async function untilTraining(site: TestSite) {
  for (;;) {
    const work = await site.work();
    if (work.kind === 'train') return work;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
