/**
 * Fault 55: clients that keep to no rule, all at the same time, against a coordinator with the limits of service. Others'
 * requests meanwhile: the slowest of a hundred may take two seconds, the bound that a thousand sites are held to (fault 53).
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { limits } from '@wardround/coordinator/edge/limits.ts';
import { startTestCoordinator, type TestCoordinator } from '@wardround/coordinator/testing/test-coordinator.ts';
import { nextSequence, type TestSite } from '@wardround/coordinator/testing/test-site.ts';
import { socketHandshake } from '@wardround/protocols/session/socket-handshake.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { signRequest } from '@wardround/shared/crypto/signed-request.ts';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const SLOWEST_MILLIS = 2000;
/** After which a connection that never says what it wants is closed. */
const PATIENCE_MILLIS = limits.http.headersTimeoutMillis + limits.http.checkIntervalMillis;
/** Both ends of each lie in this process. */
const HALF_OPEN = Math.min(10_000, Math.floor(openFilesLimit() / 2) - 500);

let coordinator: TestCoordinator;
let quiet: TestSite;
let loud: TestSite;

beforeAll(async () => {
  coordinator = await startTestCoordinator();
  [quiet, loud] = (await coordinator.join('basel', 'geneva')) as [TestSite, TestSite];
});
afterAll(() => coordinator.close());

function openFilesLimit(): number {
  const soft = /Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return Number(soft ?? 1024);
}

async function dial(text: string): Promise<Socket> {
  const { hostname, port } = new URL(coordinator.running.publicUrl);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', () => resolve()));
  socket.write(text);
  return socket;
}

/** What was answered until the connection was closed. */
async function hear(socket: Socket): Promise<string> {
  let heard = '';
  socket.on('data', (piece: Buffer) => {
    heard += piece.toString('latin1');
  });
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return heard;
}

/** How long each of a hundred requests took, the slowest last. */
async function ask(site: TestSite): Promise<number[]> {
  const took: number[] = [];
  for (let count = 0; count < 100; count++) {
    const before = performance.now();
    expect((await site.work()).kind).toBe('idle');
    took.push(performance.now() - before);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return took.sort((a, b) => a - b);
}

describe('hostile clients', () => {
  test('fault 55: a slowloris and half-open connections are told 408 and closed, and others notice nothing', {
    timeout: 60_000,
  }, async () => {
    await quiet.work();
    // Fewer than there may be in all: whoever is connected or comes is served.
    const count = Math.min(HALF_OPEN, limits.http.maximumConnections - 100);
    const halfOpen = await Promise.all(Array.from({ length: count }, () => dial('GET /v1/work HTTP/1.1\r\n')));
    const slow = await dial('GET /v1/work HTTP/1.1\r\nhost: x\r\n');
    const dripping = setInterval(() => slow.write('x-drip: 1\r\n'), 500);
    const heard = Promise.all([...halfOpen, slow].map(hear));
    const took = await ask(quiet);
    expect(took[98]).toBeLessThan(SLOWEST_MILLIS);
    const closed = await heard;
    clearInterval(dripping);
    expect(closed.filter((text) => text.startsWith('HTTP/1.1 408'))).toHaveLength(count + 1);
  });

  test(`fault 55: ${HALF_OPEN} half-open connections are more than it takes, and pass`, {
    timeout: 90_000,
  }, async () => {
    const heard: Promise<string>[] = [];
    while (heard.length < HALF_OPEN) {
      const more = Array.from({ length: 500 }, async () => hear(await dial('GET /v1/work HTTP/1.1\r\n')));
      heard.push(...more);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const began = performance.now();
    const said = await Promise.all(heard);
    // Those beyond the limit are closed at once; the rest when their time is over. Twice that is for a busy machine.
    expect(performance.now() - began).toBeLessThan(2 * PATIENCE_MILLIS);
    expect(said.filter((text) => text.startsWith('HTTP/1.1 408')).length).toBeLessThanOrEqual(
      limits.http.maximumConnections,
    );
    expect((await quiet.work()).kind).toBe('idle');
  });

  test.each([
    ['nests 100,000 deep', `${'['.repeat(1e5)}${']'.repeat(1e5)}`],
    ['names __proto__', '{"__proto__":{"admin":true}}'],
    ['names constructor deep inside', '{"a":[{"b":{"constructor":{"prototype":{}}}}]}'],
  ])('fault 55: a message that %s is refused', async (_, body) => {
    const answer = await loud.request('POST', '/v1/progress', { body });
    expect(answer.status).toBe(400);
    expect(['not-json', 'not-plain-json']).toContain(answer.body.code);
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
    expect((await quiet.work()).kind).toBe('idle');
  });

  test('fault 55: one byte more than a socket message may hold ends that socket and no other', async () => {
    const open = async (site: TestSite) => {
      const auth = signRequest({
        identity: site.identity,
        site: site.site,
        ...socketHandshake,
        bodyHash: sha256Hex(''),
        coordinatorFingerprint: site.coordinator.fingerprint,
        nowMillis: Date.now(),
        sequence: nextSequence(),
      });
      const { path } = socketHandshake;
      const socket = io(site.coordinator.url, { path, auth, transports: ['websocket'], reconnection: false });
      await once(socket as never, 'connect');
      return socket;
    };
    const [own, other] = [await open(loud), await open(quiet)];
    try {
      const gone = once(own as never, 'disconnect');
      own.emit('progress', 'x'.repeat(limits.socket.messageBytes + 1));
      await gone;
      expect(await other.emitWithAck('progress', 'x')).toBe(false);
      expect(other.connected).toBe(true);
    } finally {
      own.close();
      other.close();
    }
  });
});
