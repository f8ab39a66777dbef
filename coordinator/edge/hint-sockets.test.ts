/** The sockets, with socket.io's own client and with clients that keep to no rule. */
import type { CoordinatorToSite, SiteToCoordinator } from '@wardround/protocols/session/events.ts';
import { socketHandshake } from '@wardround/protocols/session/socket-handshake.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { signRequest } from '@wardround/shared/crypto/signed-request.ts';
import { io, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestCoordinator, type TestCoordinator, testPlan } from '../testing/test-coordinator.ts';
import { nextSequence, readiness, type TestSite } from '../testing/test-site.ts';
import type { SitesAnswer, StudiesAnswer } from './admin-messages.ts';

type SiteSocket = Socket<CoordinatorToSite, SiteToCoordinator>;

let coordinator: TestCoordinator;
let basel: TestSite;
let geneva: TestSite;
const sockets: SiteSocket[] = [];

beforeAll(async () => {
  coordinator = await startTestCoordinator();
  [basel, geneva] = (await coordinator.join('basel', 'geneva')) as [TestSite, TestSite];
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});
afterAll(() => coordinator.close());

function handshake(site: TestSite, path: string = socketHandshake.path): Record<string, string> {
  return signRequest({
    identity: site.identity,
    site: site.site,
    method: socketHandshake.method,
    path,
    bodyHash: sha256Hex(''),
    coordinatorFingerprint: site.coordinator.fingerprint,
    nowMillis: Date.now(),
    sequence: nextSequence(),
  });
}

function open(auth: object, transports = ['websocket']): SiteSocket {
  const socket: SiteSocket = io(coordinator.running.publicUrl, {
    auth,
    transports,
    forceNew: true,
    reconnection: false,
  });
  sockets.push(socket);
  return socket;
}

async function connected(site: TestSite, transports?: string[]): Promise<SiteSocket> {
  const socket = open(handshake(site), transports);
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
  return socket;
}

function refusal(auth: object): Promise<string> {
  const socket = open(auth);
  return new Promise((resolve) => {
    socket.once('connect', () => resolve('let in')).once('connect_error', ({ message }) => resolve(message));
  });
}

const progress = {
  study: 'a'.repeat(64),
  activity: 'training',
  stage: 'slices',
  round: 1,
  done: 3,
  total: 9,
  loss: 1.5,
  perSecond: 20,
  bytesSent: 1000,
} as const;

describe('openHintSockets()', () => {
  test.each([[['websocket']], [['polling']]])('hints when there is work, over %s', async (transports) => {
    const socket = await connected(basel, transports);
    const hinted = new Promise<void>((resolve) => socket.once('work', resolve));
    const study = await coordinator.launch({ ...testPlan(), name: `over-${transports[0]}` });
    await hinted;
    expect(await basel.work()).toMatchObject({ kind: 'prepare' });
    await coordinator.admin.post(`/v1/admin/studies/${study}/abort`);
  });

  test('shows who is connected, and what sites say about themselves while they take part', async () => {
    const study = await coordinator.launch({ ...testPlan(), name: 'watched' });
    const socket = await connected(basel);
    expect(await socket.emitWithAck('progress', { ...progress, study })).toBe(true);
    await geneva.post('/v1/progress', { ...progress, study, done: 4 });
    const { studies } = await coordinator.admin.get<StudiesAnswer>('/v1/admin/studies');
    const watched = studies.find(({ name }) => name === 'watched');
    expect(watched?.sites).toMatchObject([
      { site: 'basel', connected: true, progress: { done: 3 } },
      { site: 'geneva', connected: false, progress: { done: 4 } },
    ]);
    expect(watched?.waitingFor).toEqual([
      { site: 'basel', why: 'has-not-answered', state: 'working', sinceMillis: expect.any(Number) },
      { site: 'geneva', why: 'has-not-answered', state: 'working', sinceMillis: expect.any(Number) },
    ]);
    await coordinator.admin.post(`/v1/admin/studies/${study}/abort`);
  });

  test('keeps one socket a site', async () => {
    const first = await connected(basel);
    const gone = new Promise<string>((resolve) => first.once('disconnect', resolve));
    await connected(basel);
    expect(await gone).toBe('io server disconnect');
    const { sites } = await coordinator.admin.get<SitesAnswer>('/v1/admin/sites');
    expect(sites.find(({ site }) => site === 'basel')?.connected).toBe(true);
  });

  test('lets nobody in without a fresh signature of an enrolled site', async () => {
    const used = handshake(basel);
    expect(await refusal(used)).toBe('let in');
    expect(await refusal(used)).toBe('sequence-repeated');
    expect(await refusal({})).toBe('signature-missing');
    expect(await refusal({ ...handshake(basel), 'wardround-site': 'geneva' })).toBe('signature-invalid');
    expect(await refusal(handshake(basel, '/v1/work'))).toBe('signature-invalid');
    expect(await refusal({ ...handshake(basel), 'wardround-time': { $gt: 0 } })).toBe('signature-malformed');
    expect(await refusal({ ...handshake(basel), 'wardround-nonce': ['x'] })).toBe('signature-malformed');
  });

  test('survives garbage in every event', async () => {
    const garbage = [
      undefined,
      null,
      0,
      'x',
      [],
      {},
      { ...progress, extra: 1 },
      { ...progress, loss: 'NaN' },
      Buffer.alloc(100),
    ];
    const socket = await connected(basel);
    for (const message of garbage) {
      const acknowledgement = socket.timeout(2000).emitWithAck('progress', message as never);
      expect(await acknowledgement).toBe(false);
    }
    // Without an acknowledgement, with something else in its place, and events that do not exist.
    const anything = socket as unknown as Socket;
    anything.emit('progress', progress);
    anything.emit('progress', progress, 'not a function');
    anything.emit('progress');
    anything.emit('__proto__', { x: 1 });
    anything.emit('work', 'x');
    expect(await socket.emitWithAck('progress', progress)).toBe(true);
    expect((await basel.post(`/v1/studies/${'e'.repeat(64)}/ready`, readiness)).status).toBe(404);
  });

  test('ends a session that sends more than a message may hold, and that one alone', async () => {
    const loud = await connected(basel);
    const quiet = await connected(geneva);
    const gone = new Promise<string>((resolve) => loud.once('disconnect', resolve));
    (loud as unknown as Socket).emit('progress', 'x'.repeat(70_000));
    await gone;
    expect(await quiet.emitWithAck('progress', progress)).toBe(true);
  });

  test('stops listening to a site that talks too much', async () => {
    const socket = await connected(basel);
    const answers = await Promise.all(Array.from({ length: 120 }, () => socket.emitWithAck('progress', progress)));
    expect(answers).toContain(true);
    expect(answers).toContain(false);
    await vi.waitFor(async () => expect(await socket.emitWithAck('progress', progress)).toBe(true), 3000);
  });
});
