import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Acknowledgement, Work } from '@wardround/protocols/session/messages.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { SIGNATURE_HEADERS, signAnswer, verifyRequest } from '@wardround/shared/crypto/signed-request.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createByteCounter } from './byte-counter.ts';
import {
  CoordinatorRefusedError,
  CoordinatorUnreachableError,
  UnintelligibleAnswerError,
  UntrustedAnswerError,
} from './errors.ts';
import { createConnectionPool } from './http-exchange.ts';
import { createSignedClient, jsonBody, type SignedClientOptions } from './signed-client.ts';

const coordinator = generateIdentity();
const coordinatorKeys = publicKeys(coordinator);
const identity = generateIdentity();
const siteKeys = publicKeys(identity);

interface Answer {
  readonly status?: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
  readonly signedBy?: typeof coordinator | null;
  /** Changes what was signed, after signing. */
  readonly tamper?: (answer: { status: number; body: string; headers: Record<string, string> }) => void;
  readonly timeMillis?: number;
}

let answer: (request: IncomingMessage, body: Buffer) => Answer;
let server: Server;
let url: string;
let agent = createConnectionPool(new URL('http://127.0.0.1'));

function respond(request: IncomingMessage, response: ServerResponse, sent: Buffer): void {
  const given = answer(request, sent);
  const { status = 200, body, signedBy = coordinator } = given;
  const signature =
    signedBy === null
      ? {}
      : signAnswer({
          identity: signedBy,
          status,
          bodyHash: sha256Hex(body),
          requestNonce: String(request.headers[SIGNATURE_HEADERS.nonce]),
          nowMillis: given.timeMillis ?? Date.now(),
        });
  const outgoing = { status, body, headers: { ...given.headers, ...signature } as Record<string, string> };
  given.tamper?.(outgoing);
  response.writeHead(outgoing.status, outgoing.headers).end(outgoing.body);
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => respond(request, response, Buffer.concat(pieces)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
afterEach(() => {
  agent.destroy();
  agent = createConnectionPool(new URL('http://127.0.0.1'));
});

type Change = Partial<Pick<SignedClientOptions, 'nowMillis' | 'onClockDifference' | 'sequence' | 'onSequenceBehind'>>;

function client(change: Change = {}) {
  const pinned = { url, fingerprint: fingerprint(coordinatorKeys), signingKey: coordinatorKeys.signingKey };
  return createSignedClient({
    coordinator: pinned,
    identity,
    site: 'clinic',
    agent,
    counter: createByteCounter(),
    recordEgress: async () => undefined,
    sequence: null,
    ...change,
  });
}

const signal = new AbortController().signal;
const askWork = () => client().ask({ method: 'GET', path: '/v1/work', signal }, Work);
const idle = JSON.stringify({ kind: 'idle', askAgainSeconds: 5 });

describe('createSignedClient()', () => {
  test('signs requests so that the coordinator can verify them', async () => {
    const verified: string[] = [];
    answer = (request, body) => {
      const claims = verifyRequest(request.headers, {
        method: request.method ?? '',
        path: request.url ?? '',
        bodyHash: sha256Hex(body),
        signingKey: siteKeys.signingKey,
        coordinatorFingerprint: fingerprint(coordinatorKeys),
        nowMillis: Date.now(),
        toleranceMillis: 1000,
      });
      verified.push(`${claims.site} ${request.method} ${request.url} ${body.toString()}`);
      return { body: '{"ok":true}' };
    };
    const message = { reason: 'late' };
    const label = { purpose: 'training', what: 'reason-code' } as const;
    await client().ask({ method: 'POST', path: '/v1/x', signal, body: jsonBody(message, label) }, Acknowledgement);
    expect(verified).toEqual(['clinic POST /v1/x {"reason":"late"}']);
  });

  test('reads a signed answer', async () => {
    answer = () => ({ body: idle });
    expect(await askWork()).toEqual({ kind: 'idle', askAgainSeconds: 5 });
  });

  test.each<[string, Partial<Answer>]>([
    ['of another key', { signedBy: generateIdentity() }],
    ['without a signature', { signedBy: null }],
    ['whose body was changed', { tamper: (sent) => Object.assign(sent, { body: sent.body.replace('5', '9') }) }],
    ['whose status was changed', { status: 403, tamper: (sent) => Object.assign(sent, { status: 200 }) }],
    [
      'whose hash header was changed with its body',
      {
        tamper: (sent) => {
          sent.body = sent.body.replace('5', '9');
          sent.headers[SIGNATURE_HEADERS.contentSha256] = sha256Hex(sent.body);
        },
      },
    ],
    [
      'with a malformed signature',
      { tamper: ({ headers }) => Object.assign(headers, { [SIGNATURE_HEADERS.signature]: 'x' }) },
    ],
  ])('refuses an answer %s', async (_, change) => {
    answer = () => ({ body: idle, ...change });
    await expect(askWork()).rejects.toThrow(UntrustedAnswerError);
  });

  test('refuses an answer that was recorded from an earlier request', async () => {
    const recorded: Record<string, string> = {};
    answer = () => ({ body: idle, tamper: ({ headers }) => Object.assign(recorded, headers) });
    await askWork();
    answer = () => ({ body: idle, tamper: (sent) => Object.assign(sent.headers, recorded) });
    await expect(askWork()).rejects.toThrow(UntrustedAnswerError);
  });

  test('takes a signed refusal as the coordinator’s own word, with its code', async () => {
    answer = () => ({
      status: 409,
      body: JSON.stringify({ code: 'late', message: 'The deadline\u001b[2J has passed.' }),
    });
    const refused = askWork();
    await expect(refused).rejects.toThrow(CoordinatorRefusedError);
    await expect(refused).rejects.toMatchObject({ status: 409, code: 'late' });
    await expect(refused).rejects.toThrow('The coordinator refused (late): The deadline [2J has passed.');
  });

  test.each([500, 502, 503, 429])('takes status %i, signed or not, as a reason to come back later', async (status) => {
    for (const signedBy of [coordinator, null]) {
      answer = () => ({ status, body: '<html>', signedBy, headers: { 'retry-after': '9' } });
      await expect(askWork()).rejects.toMatchObject({ name: 'CoordinatorUnreachableError', retryAfterMillis: 9000 });
    }
  });

  test('does not believe a proxy’s page', async () => {
    answer = () => ({ body: '<html>Please sign in to the hospital network</html>', signedBy: null });
    const refused = askWork();
    await expect(refused).rejects.toThrow(UntrustedAnswerError);
    await expect(refused).rejects.not.toThrow('sign in');
  });

  test('follows the coordinator’s time once when the clocks differ, and says so', async () => {
    const offsets: number[] = [];
    let asked = 0;
    const late = Date.now() + 3_600_000;
    answer = (request) => {
      asked += 1;
      const claimed = Number(request.headers[SIGNATURE_HEADERS.time]);
      if (Math.abs(claimed - late) < 60_000) return { body: idle, timeMillis: late };
      return { status: 401, body: JSON.stringify({ code: 'clock-skew', message: 'Set the clock.' }), timeMillis: late };
    };
    const slow = client({ onClockDifference: (offset) => offsets.push(offset) });
    await slow.ask({ method: 'GET', path: '/v1/work', signal }, Work);
    await slow.ask({ method: 'GET', path: '/v1/work', signal }, Work);
    expect(asked).toBe(3);
    expect(offsets).toHaveLength(1);
    expect(Math.round(offsets[0]! / 60_000)).toBe(60);
  });

  test('knows the coordinator’s time from every signed answer, and from no other', async () => {
    const difference = 200_000;
    const known = client();
    const ahead = () => known.coordinatorMillis() - Date.now();
    expect(Math.abs(ahead())).toBeLessThan(1000);
    answer = () => ({ body: idle, timeMillis: Date.now() + difference });
    await known.ask({ method: 'GET', path: '/v1/work', signal }, Work);
    expect(Math.abs(ahead() - difference)).toBeLessThan(10_000);
    answer = () => ({ body: idle, timeMillis: Date.now(), signedBy: generateIdentity() });
    await expect(known.ask({ method: 'GET', path: '/v1/work', signal }, Work)).rejects.toThrow(UntrustedAnswerError);
    answer = () => ({ body: idle, timeMillis: Date.now() + 2 * 86_400_000 });
    await known.ask({ method: 'GET', path: '/v1/work', signal }, Work);
    expect(Math.abs(ahead() - difference)).toBeLessThan(10_000);
  });

  test('does not follow a clock that is more than a day away', async () => {
    const body = JSON.stringify({ code: 'clock-skew', message: 'Set the clock.' });
    answer = () => ({ status: 401, body, timeMillis: Date.now() + 2 * 86_400_000 });
    await expect(askWork()).rejects.toMatchObject({ code: 'clock-skew' });
  });

  /** A site's numbers from `next` on, and a coordinator that takes those from `least` on. */
  function behind(next: number, least: number) {
    const kept = { next, behind: 0, asked: [] as number[] };
    const message = 'Sign every request anew.';
    answer = (request) => {
      kept.asked.push(Number(request.headers[SIGNATURE_HEADERS.sequence]));
      if (kept.asked.at(-1)! >= least) return { body: idle };
      return { status: 401, body: JSON.stringify({ code: 'sequence-too-old', message, leastSequence: least }) };
    };
    const sequence = {
      next: () => kept.next++,
      goOnFrom: (from: number) => {
        kept.next = from;
        return true;
      },
    };
    return { kept, numbered: client({ sequence, onSequenceBehind: () => void kept.behind++ }) };
  }

  test('goes on from the least number that the coordinator takes, once, and says that the site was behind', async () => {
    const { kept, numbered } = behind(5, 4000);
    await numbered.ask({ method: 'GET', path: '/v1/work', signal }, Work);
    await numbered.ask({ method: 'GET', path: '/v1/work', signal }, Work);
    expect(kept.asked).toEqual([5, 4000, 4001]);
    expect(kept.behind).toBe(1);
  });

  test('does not count on and on for a coordinator that refuses every number', async () => {
    const { kept, numbered } = behind(5, 4000);
    const message = 'no';
    answer = () => ({ status: 401, body: JSON.stringify({ code: 'sequence-repeated', message, leastSequence: 9 }) });
    await expect(numbered.ask({ method: 'GET', path: '/v1/work', signal }, Work)).rejects.toMatchObject({
      code: 'sequence-repeated',
    });
    expect(kept.next).toBe(10);
  });

  const train = {
    kind: 'train',
    study: 'a'.repeat(64),
    name: 'study',
    planBlob: 'b'.repeat(64),
    stage: 'slices',
    round: 1,
    model: 'c'.repeat(64),
    sliceEncoder: null,
    sites: 3,
    deadlineMillis: 1_800_000_000_000,
  };
  const garbage: unknown[] = [null, '', '../../etc', -1, 1e300, [], {}, true, 'x'.repeat(100_000)];

  test.each(Object.keys(train))('calls garbage in the field %s by name', async (field) => {
    for (const value of garbage) {
      if (Work.safeParse({ ...train, [field]: value }).success) continue;
      answer = () => ({ body: JSON.stringify({ ...train, [field]: value }) });
      await expect(askWork()).rejects.toThrow(UnintelligibleAnswerError);
      await expect(askWork()).rejects.toThrow(
        /^Cannot understand the coordinator's answer: unexpected content at \w+\./,
      );
    }
  });

  test.each([
    '',
    'null',
    '{',
    '[]',
    '"idle"',
    '\u0000',
    JSON.stringify({ ...train, surplus: 1 }),
  ])('calls the answer %j unintelligible', async (body) => {
    answer = () => ({ body });
    await expect(askWork()).rejects.toThrow(UnintelligibleAnswerError);
  });

  test('calls a signed refusal that is not a problem message unintelligible', async () => {
    answer = () => ({ status: 400, body: '{"code":"Not A Code"}' });
    await expect(askWork()).rejects.toThrow(UnintelligibleAnswerError);
  });

  test('names nobody at the address as unreachable', async () => {
    const pinned = {
      url: 'http://127.0.0.1:1',
      fingerprint: fingerprint(coordinatorKeys),
      signingKey: coordinatorKeys.signingKey,
    };
    const lonely = createSignedClient({
      coordinator: pinned,
      identity,
      site: 'clinic',
      agent,
      counter: createByteCounter(),
      recordEgress: async () => undefined,
      sequence: null,
    });
    await expect(lonely.ask({ method: 'GET', path: '/v1/work', signal }, Work)).rejects.toThrow(
      CoordinatorUnreachableError,
    );
  });
});
