import { randomBytes } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { EgressEntry } from '@wardround/protocols/audit/egress-record.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createByteCounter } from './byte-counter.ts';
import { CoordinatorUnreachableError } from './errors.ts';
import { createConnectionPool, type ExchangeRequest, exchange, type RecordedBody, readBody } from './http-exchange.ts';

let handle: RequestListener = () => undefined;
let server: Server;
let url: URL;
let agent = createConnectionPool(new URL('http://127.0.0.1'));

beforeAll(async () => {
  server = createServer((request, response) => handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
afterAll(() => server.close());
afterEach(() => {
  agent.destroy();
  server.closeAllConnections();
  agent = createConnectionPool(url);
});

function ask(change: Partial<ExchangeRequest> = {}, counter = createByteCounter()) {
  const request: ExchangeRequest = {
    method: 'GET',
    headers: {},
    signal: new AbortController().signal,
    idleTimeoutMillis: 5000,
    ...change,
  };
  return exchange(url, request, { agent, counter, recordEgress });
}

const recorded: EgressEntry[] = [];
const recordEgress = async (entry: EgressEntry) => {
  recorded.push(entry);
};

function recordedBody(content: RecordedBody['content']): RecordedBody {
  const hash = 'a'.repeat(64);
  const nowhere = { destination: hash, study: null, stage: null, round: null, epsilon: null };
  return { content, egress: { purpose: 'training', what: 'sealed-update', bytes: 1, sha256: hash, ...nowhere } };
}

describe('exchange()', () => {
  test('counts the bytes of request lines, headers and bodies exactly, over connections used again', async () => {
    let received = 0;
    handle = (request, response) => {
      const head = `${request.method} ${request.url} HTTP/1.1\r\n`;
      const headers = request.rawHeaders.reduce((size, text) => size + text.length + 2, 0);
      received += head.length + headers + 2;
      request.on('data', (piece: Buffer) => {
        received += piece.length;
      });
      request.on('end', () => response.end('ok'));
    };
    const counter = createByteCounter();
    for (const size of [0, 10, 70_000]) {
      const answer = await ask({ method: 'PATCH', body: recordedBody(randomBytes(size)) }, counter);
      await readBody(answer, { maximumBytes: 10, signal: new AbortController().signal });
    }
    await delay(20);
    expect(counter.total()).toBe(received);
  });

  test('sends no byte of a body before it is recorded, and none that cannot be', async () => {
    const seen: string[] = [];
    handle = (request, response) => {
      seen.push('request');
      request.resume().on('end', () => response.end());
    };
    const request = {
      method: 'PATCH',
      headers: {},
      signal: new AbortController().signal,
      idleTimeoutMillis: 5000,
    } as const;
    const body = recordedBody(randomBytes(10));
    const counter = createByteCounter();
    const slowly = async () => {
      await delay(50);
      expect(counter.total()).toBe(0);
      seen.push('recorded');
    };
    const answer = await exchange(url, { ...request, body }, { agent, counter, recordEgress: slowly });
    await readBody(answer, { maximumBytes: 10, signal: request.signal });
    expect(seen).toEqual(['recorded', 'request']);

    const full = () => Promise.reject(new Error('the disk is full'));
    const refused = exchange(url, { ...request, body }, { agent, counter, recordEgress: full });
    await expect(refused).rejects.toThrow('the disk is full');
    await delay(20);
    expect(seen).toHaveLength(2);
  });

  test('gives up on a silent server but not on a slow one', async () => {
    handle = () => undefined;
    await expect(ask({ idleTimeoutMillis: 100 })).rejects.toThrow('Cannot reach the coordinator (ETIMEDOUT)');
    handle = async (_, response) => {
      for (let piece = 0; piece < 8; piece++) {
        response.write('x');
        await delay(50);
      }
      response.end();
    };
    const answer = await ask({ idleTimeoutMillis: 200 });
    expect(await readBody(answer, { maximumBytes: 100, signal: new AbortController().signal })).toHaveLength(8);
  });

  test('takes its own slowness for no silence of the line', async () => {
    const sent = 4_000_000;
    handle = (_, response) => response.end(Buffer.alloc(sent));
    const answer = await ask({ idleTimeoutMillis: 50 });
    let size = 0;
    for await (const slice of answer.body) {
      if (size < 3 * 65_536) await delay(150);
      size += (slice as Buffer).length;
    }
    expect(size).toBe(sent);
  });

  test('says that nobody is there without repeating the address', async () => {
    const nobody = new URL('http://127.0.0.1:1/secret-path');
    const request = {
      method: 'GET',
      headers: {},
      signal: new AbortController().signal,
      idleTimeoutMillis: 1000,
    } as const;
    const failed = exchange(nobody, request, { agent, counter: createByteCounter(), recordEgress });
    await expect(failed).rejects.toThrow(CoordinatorUnreachableError);
    await expect(failed).rejects.toThrow(/^Cannot reach the coordinator \(ECONNREFUSED\)/);
  });

  test('ends with the signal’s reason, before and during the answer', async () => {
    handle = (_, response) => response.write('begun');
    const stop = new AbortController();
    const answer = await ask({ signal: stop.signal });
    const reading = readBody(answer, { maximumBytes: 100, signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    await expect(ask({ signal: stop.signal })).rejects.toThrow('enough');
  });

  test('refuses an answer that is longer than allowed', async () => {
    handle = (_, response) => response.end('x'.repeat(1000));
    const reading = readBody(await ask(), { maximumBytes: 999, signal: new AbortController().signal });
    await expect(reading).rejects.toThrow('at most 999 bytes');
  });

  describe('with a body that is held back', () => {
    const bytes = randomBytes(3_000_000);

    test('sends all of it, slice by slice', async () => {
      const pieces: Buffer[] = [];
      handle = (request, response) => {
        request.on('data', (piece: Buffer) => pieces.push(piece));
        request.on('end', () => response.end());
      };
      const passed: number[] = [];
      const passing = { sliceBytes: 65_536, pass: async (size: number) => void passed.push(size) };
      const answer = await ask({ method: 'PATCH', body: recordedBody({ bytes, passing }) });
      await readBody(answer, { maximumBytes: 10, signal: new AbortController().signal });
      expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
      expect(passed).toHaveLength(Math.ceil(bytes.length / 65_536));
    });

    test('hears a refusal that comes before the body was read, and sends no more', async () => {
      handle = (_, response) => response.writeHead(409).end('no');
      let passed = 0;
      const passing = {
        sliceBytes: 1000,
        pass: async (size: number, signal: AbortSignal) => {
          passed += size;
          await delay(5, undefined, { signal });
        },
      };
      const answer = await ask({ method: 'PATCH', body: recordedBody({ bytes, passing }) });
      expect(answer.status).toBe(409);
      const refusal = await readBody(answer, { maximumBytes: 10, signal: new AbortController().signal });
      expect(Buffer.from(refusal).toString()).toBe('no');
      await delay(20);
      const before = passed;
      await delay(50);
      expect(passed).toBe(before);
      expect(passed).toBeLessThan(bytes.length / 10);
    });
  });
});
