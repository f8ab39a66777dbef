import { once } from 'node:events';
import { Agent, createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ChaosProxy, type Exchange, type Fate, startChaosProxy } from './chaos-proxy.ts';

let server: Server;
let proxy: ChaosProxy;
/** Bodies that the server has read whole, and the headers that came with them. */
const handled: { body: string; upgrade: string | undefined }[] = [];
const exchanges: Exchange[] = [];
let agent: Agent;

beforeEach(async () => {
  server = createServer(async (request, response) => {
    try {
      let body = '';
      for await (const piece of request) body += piece;
      handled.push({ body, upgrade: request.headers.upgrade });
      response.writeHead(200, { 'content-length': '2' }).end('ok');
    } catch {
      // The sender is gone.
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await startChaosProxy({ onExchange: (exchange) => void exchanges.push(exchange) });
  proxy.connectTo((server.address() as AddressInfo).port);
  agent = new Agent({ keepAlive: true, maxSockets: 1 });
});
afterEach(async () => {
  agent.destroy();
  await proxy.close();
  server.closeAllConnections();
  server.close();
  handled.splice(0);
  exchanges.splice(0);
});

function post(body: string, { timeoutMillis = 5000, headers = {} } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      `${proxy.url}/thing`,
      {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json', 'content-length': body.length, ...headers },
        signal: AbortSignal.timeout(timeoutMillis),
      },
      async (incoming) => {
        let text = '';
        for await (const piece of incoming) text += piece;
        resolve(text);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const onlyOnce = (fate: Fate) => {
  let isDone = false;
  return () => {
    if (isDone) return 'pass';
    isDone = true;
    return fate;
  };
};

describe('startChaosProxy()', () => {
  test('passes on what it is given, over one connection, and says what was answered', async () => {
    expect([await post('"a"'), await post('"b"')]).toEqual(['ok', 'ok']);
    expect(handled.map(({ body }) => body)).toEqual(['"a"', '"b"']);
    expect(exchanges.map(({ requestBody, status, isDelivered }) => [String(requestBody), status, isDelivered])).toEqual(
      [
        ['"a"', 200, true],
        ['"b"', 200, true],
      ],
    );
  });

  test('loses a request before it is handled, and an answer after it was', async () => {
    proxy.setFate(onlyOnce('lose-request'));
    await expect(post('"a"')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(handled).toEqual([]);
    proxy.setFate(onlyOnce('lose-response'));
    await expect(post('"b"')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(handled.map(({ body }) => body)).toEqual(['"b"']);
    expect(exchanges).toMatchObject([{ status: 200, isDelivered: false }]);
    expect(await post('"c"')).toBe('ok');
  });

  test('breaks off and swallows in the middle of a body, and heals', async () => {
    const body = JSON.stringify('x'.repeat(200_000));
    proxy.setFate(onlyOnce('reset-in-the-middle'));
    await expect(post(body)).rejects.toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
    proxy.setFate(onlyOnce('swallow-in-the-middle'));
    const swallowed = post(body);
    await delay(50);
    proxy.heal();
    await expect(swallowed).rejects.toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
    expect(handled).toEqual([]);
    expect(await post('"c"')).toBe('ok');
  });

  test('keeps half of a connection open, on which nothing comes until it heals', async () => {
    await post('"a"');
    proxy.halfOpen();
    const waiting = post('"b"');
    await delay(50);
    proxy.heal();
    await expect(waiting).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(handled.map(({ body }) => body)).toEqual(['"a"']);
  });

  test('delays, narrows and stalls', async () => {
    const timed = async (body: string) => {
      const before = performance.now();
      await post(body);
      return performance.now() - before;
    };
    proxy.setLine({ delayMillis: 100 });
    expect(await timed('"a"')).toBeGreaterThan(195);
    proxy.setLine({ delayMillis: 0, bytesPerSecond: 200_000 });
    expect(await timed(JSON.stringify('x'.repeat(50_000)))).toBeGreaterThan(240);
    proxy.setLine({ isStalled: true });
    await expect(post('"b"', { timeoutMillis: 100 })).rejects.toMatchObject({ name: 'AbortError' });
    proxy.heal();
    expect(await post('"c"')).toBe('ok');
  });

  test('takes the wish for another protocol out of requests', async () => {
    const headers = { upgrade: 'websocket', connection: 'upgrade' };
    proxy.stripUpgrades(true);
    await post('"a"', { headers });
    expect(handled).toEqual([{ body: '"a"', upgrade: undefined }]);
  });

  test('refuses connections when there is nobody to connect to', async () => {
    proxy.connectTo(null);
    await expect(post('"a"')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});
