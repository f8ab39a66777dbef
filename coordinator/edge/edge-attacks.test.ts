/** Clients that keep to no rule, against a real server: slow ones, large ones, and routes that fail. */
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { socketHandshake } from '@wardround/protocols/session/socket-handshake.ts';
import { generateIdentity } from '@wardround/shared/crypto/identity.ts';
import { type RequestHandler, Router } from 'express';
import { pino } from 'pino';
import { type Socket as ClientSocket, io } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openHintSockets } from './hint-sockets.ts';
import { limits } from './limits.ts';
import { parseJson } from './message-route.ts';
import { createProgressBoard } from './progress-board.ts';
import { createSendAnswer } from './send-answer.ts';
import { createWebServer, type WebServer } from './web-server.ts';

const lines: string[] = [];
const log = pino({ base: null }, { write: (line: string) => void lines.push(line) });
const send = createSendAnswer({ identity: generateIdentity() }, Date.now);
/** As in service, but ten times as impatient with headers. */
const http = { ...limits.http, headersTimeoutMillis: 400, checkIntervalMillis: 100, idleTimeoutMillis: 5000 };

let web: WebServer;
let port: number;
const open: Socket[] = [];

const routes = (): RequestHandler => {
  const router = Router();
  router.get('/here', (request, response) => send(request, response, { status: 200, body: { query: request.query } }));
  router.get('/throws', () => {
    throw new Error('patient Mustermann');
  });
  router.get('/rejects', async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    throw new Error('patient Mustermann');
  });
  router.post('/message', async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    send(request, response, { status: 200, body: { value: parseJson(Buffer.concat(pieces)) } });
  });
  router.put('/upload', async (request, response) => {
    let bytes = 0;
    for await (const piece of request as AsyncIterable<Buffer>) bytes += piece.length;
    send(request, response, { status: 200, body: { bytes } });
  });
  return router;
};

beforeAll(async () => {
  web = createWebServer({ send, log, tls: null, http });
  web.serve([routes()]);
  web.server.listen({ host: '127.0.0.1', port: 0 });
  await once(web.server, 'listening');
  port = (web.server.address() as AddressInfo).port;
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});
afterAll(async () => {
  web.server.closeAllConnections();
  await new Promise((resolve) => web.server.close(resolve));
});

async function dial(text = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  open.push(socket);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

/** Everything the server says until it closes the connection. */
async function hear(socket: Socket): Promise<string> {
  let heard = '';
  socket.on('data', (piece: Buffer) => {
    heard += piece.toString('latin1');
  });
  await once(socket, 'close');
  return heard;
}

const url = (path: string): string => `http://127.0.0.1:${port}${path}`;

describe('the server', () => {
  test('has the limits of limits.ts in service', () => {
    const { server } = createWebServer({ send, log, tls: null });
    expect(server).toMatchObject({
      headersTimeout: limits.http.headersTimeoutMillis,
      requestTimeout: limits.http.requestTimeoutMillis,
      keepAliveTimeout: limits.http.keepAliveTimeoutMillis,
      timeout: limits.http.idleTimeoutMillis,
      maxHeadersCount: limits.http.maximumHeaders,
      maxConnections: limits.http.maximumConnections,
      maxRequestsPerSocket: limits.http.maximumRequestsPerSocket,
    });
    expect(limits.http.headersTimeoutMillis).toBeLessThanOrEqual(10_000);
    expect(limits.http.checkIntervalMillis).toBeLessThanOrEqual(2000);
    expect(limits.http.maximumHeaderBytes).toBeLessThanOrEqual(8192);
  });

  test('says 408 to a slowloris, and answers others meanwhile', async () => {
    const slow = await dial('GET /here HTTP/1.1\r\nhost: x\r\n');
    const dripping = setInterval(() => slow.write('x-drip: 1\r\n'), 100);
    const heard = hear(slow);
    for (let i = 0; i < 20; i++) expect((await fetch(url('/here'))).status).toBe(200);
    expect(await heard).toContain('HTTP/1.1 408');
    clearInterval(dripping);
  });

  test('outlives hundreds of half-open connections and closes them', async () => {
    const halfOpen = await Promise.all(Array.from({ length: 300 }, () => dial('GET /here HTTP/1.1\r\n')));
    const closed = Promise.all(halfOpen.map(hear));
    expect((await fetch(url('/here'))).status).toBe(200);
    const heard = await closed;
    expect(heard.filter((text) => text.includes('408')).length).toBe(300);
  });

  test('takes an upload that is slow but steady, longer than headers may take', async () => {
    const pieces = 8;
    const upload = await dial(
      `PUT /upload HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${pieces}\r\n\r\n`,
    );
    const heard = hear(upload);
    for (let i = 0; i < pieces; i++) {
      await new Promise((resolve) => setTimeout(resolve, 120));
      upload.write('x');
    }
    expect(await heard).toContain(`{"bytes":${pieces}}`);
  });

  test('refuses headers that are too large or too many', async () => {
    const large = await dial(
      `GET /here HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(limits.http.maximumHeaderBytes)}\r\n\r\n`,
    );
    expect(await hear(large)).toContain('HTTP/1.1 431');
    const many = Array.from({ length: limits.http.maximumHeaders + 1 }, (_, i) => `h${i}: 1\r\n`).join('');
    expect(await hear(await dial(`GET /here HTTP/1.1\r\nhost: x\r\n${many}\r\n`))).toContain('HTTP/1.1 431');
    expect((await fetch(url('/here'))).status).toBe(200);
  });

  test.each(['/throws', '/rejects'])('goes on after %s and tells nobody why', async (path) => {
    lines.length = 0;
    const answer = await fetch(url(path));
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('Mustermann');
    expect(lines.join('')).toContain('a request failed');
    expect(lines.join('')).not.toContain('Mustermann');
    expect((await fetch(url('/here'))).status).toBe(200);
  });

  test('says nothing of what it is made of, and tells browsers to be careful', async () => {
    const { headers } = await fetch(url('/here'));
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  test.each([
    ['inherited names', '{"a":[{"__proto__":{"admin":true}}]}', 'not-plain-json'],
    ['a constructor', '{"constructor":{"prototype":{"admin":true}}}', 'not-plain-json'],
    ['100,000 levels', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'not-plain-json'],
    ['100,000 levels that do not close', '{"a":'.repeat(100_000), 'not-json'],
    ['the same name twice', '{"a":1,"a":2}', 'not-json'],
  ])('refuses JSON of %s', async (_, body, code) => {
    const answer = await fetch(url('/message'), { method: 'POST', body });
    expect([answer.status, await answer.json()]).toMatchObject([400, { code }]);
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
    const sound = await fetch(url('/message'), { method: 'POST', body: '{"a":[1]}' });
    expect(await sound.json()).toEqual({ value: { a: [1] } });
  });

  test('reads queries flat: no objects, no lists in lists', async () => {
    const answer = await fetch(url('/here?a[b]=1&__proto__[x]=1&constructor.prototype=1'));
    expect(await answer.json()).toEqual({ query: { 'a[b]': '1', '__proto__[x]': '1', 'constructor.prototype': '1' } });
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

describe('openHintSockets()', () => {
  /** The real sockets on a server of their own, where every handshake is believed and noting progress fails. */
  async function openSockets() {
    const { server, serve } = createWebServer({ send, log, tls: null });
    serve([]);
    const board = createProgressBoard(Date.now);
    const sockets = openHintSockets(server, {
      identify: async ({ headers }) => ({
        name: String(headers['site']),
        site: { site: 'x', signingKey: 'x', sealingKey: 'x', status: 'admitted', enrolledAtMillis: 0 },
        contentSha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        signingKey: 'x',
      }),
      progress: {
        ...board,
        note() {
          throw new TypeError('Mustermann');
        },
      },
      // No token comes back while a test runs, however long it takes.
      now: () => 0,
      log,
    });
    server.listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const clients: ClientSocket[] = [];
    return {
      address,
      sockets,
      async join(site: string): Promise<ClientSocket> {
        const client = io(address, { auth: { site }, transports: ['websocket'], forceNew: true, reconnection: false });
        clients.push(client);
        await new Promise<void>((resolve, reject) => client.once('connect', resolve).once('connect_error', reject));
        return client;
      },
      async close() {
        for (const client of clients) client.close();
        await sockets.close();
      },
    };
  }
  const progress = {
    study: 'a'.repeat(64),
    activity: 'training',
    stage: null,
    round: null,
    done: 0,
    total: 0,
    loss: null,
    perSecond: null,
    bytesSent: 0,
  };

  test('goes on after a listener that throws', async () => {
    const edge = await openSockets();
    try {
      const [basel, geneva] = [await edge.join('basel'), await edge.join('geneva')];
      lines.length = 0;
      await expect(basel.timeout(300).emitWithAck('progress', progress)).rejects.toThrow();
      expect(lines.join('')).toContain('TypeError');
      expect(lines.join('')).not.toContain('Mustermann');
      // What cannot be understood is not noted, so it is answered.
      expect(await geneva.emitWithAck('progress', 'x')).toBe(false);
      expect(await basel.emitWithAck('progress', 'x')).toBe(false);
    } finally {
      await edge.close();
    }
  });

  test('ends the session that sends one byte more than a message may hold, and that one alone', async () => {
    const edge = await openSockets();
    try {
      const [loud, quiet] = [await edge.join('basel'), await edge.join('geneva')];
      // The packets' own characters count too; the first message has an acknowledgement's number, 0, among them.
      const sized = (bytes: number, frame: string): string => 'x'.repeat(bytes - frame.length);
      const fitting = sized(limits.socket.messageBytes, '420["progress",""]');
      expect(await loud.emitWithAck('progress', fitting)).toBe(false);
      const gone = once(loud as never, 'disconnect');
      loud.emit('progress', sized(limits.socket.messageBytes + 1, '42["progress",""]'));
      await gone;
      expect(await quiet.emitWithAck('progress', 'x')).toBe(false);
      expect(edge.sockets.isConnected('geneva')).toBe(true);
      expect(await (await edge.join('basel')).emitWithAck('progress', 'x')).toBe(false);
    } finally {
      await edge.close();
    }
  });

  test('counts what cannot be understood', async () => {
    const edge = await openSockets();
    try {
      const basel = await edge.join('basel');
      const garbage = Array.from({ length: limits.socketMessages.burst }, () => basel.emitWithAck('progress', 'x'));
      expect(new Set(await Promise.all(garbage))).toEqual(new Set([false]));
      lines.length = 0;
      // With tokens left this would reach the board and fail there.
      expect(await basel.timeout(20_000).emitWithAck('progress', progress)).toBe(false);
      expect(lines.join('')).not.toContain('TypeError');
    } finally {
      await edge.close();
    }
  });

  test('speaks neither the old protocol nor to other origins, serves no scripts, and inflates nothing', async () => {
    const edge = await openSockets();
    try {
      const old = await fetch(`${edge.address}${socketHandshake.path}?EIO=3&transport=polling`);
      expect(old.status).toBe(400);
      const { headers } = await fetch(`${edge.address}${socketHandshake.path}?EIO=4&transport=polling`, {
        headers: { origin: 'https://elsewhere.example', 'accept-encoding': 'gzip' },
      });
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('content-encoding')).toBeNull();
      expect((await fetch(`${edge.address}${socketHandshake.path}socket.io.js`)).status).toBeGreaterThanOrEqual(400);
    } finally {
      await edge.close();
    }
  });
});
