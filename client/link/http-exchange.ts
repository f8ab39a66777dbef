/** One HTTP request and its answer over node:http, with time limits that follow progress: a slow line may take hours, a silent one may not. */
import { once } from 'node:events';
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { EgressEntry } from '@wardround/protocols/audit/egress-record.ts';
import { releaseMemory } from '@wardround/shared/bytes/release-memory.ts';
import type { RecordEgress } from '../audit/record-hints-once.ts';
import type { ByteCounter } from './byte-counter.ts';
import { CoordinatorUnreachableError } from './errors.ts';

/** Connections to one coordinator: kept alive, and through HTTP_PROXY, HTTPS_PROXY and NO_PROXY where these are set. */
export function createConnectionPool(url: URL): HttpAgent | HttpsAgent {
  const { HTTP_PROXY, HTTPS_PROXY, NO_PROXY, http_proxy, https_proxy, no_proxy } = process.env;
  const options = {
    keepAlive: true,
    maxSockets: 4,
    proxyEnv: { HTTP_PROXY, HTTPS_PROXY, NO_PROXY, http_proxy, https_proxy, no_proxy },
  };
  return url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
}

/** Holds bytes back: resolves when the next so many may leave. */
export interface Passing {
  readonly sliceBytes: number;
  pass(bytes: number, signal: AbortSignal): Promise<void>;
}

export interface PacedBody {
  readonly bytes: Uint8Array;
  readonly passing: Passing;
}

/** Bytes that leave the site, and what its ledger says of them. */
export interface RecordedBody {
  readonly content: Uint8Array | PacedBody;
  readonly egress: EgressEntry;
}

export interface Connection {
  readonly agent: HttpAgent | HttpsAgent;
  readonly counter: ByteCounter;
  /** Resolves when the record is on the disk. */
  readonly recordEgress: RecordEgress;
}

export interface ExchangeRequest {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RecordedBody | undefined;
  readonly signal: AbortSignal;
  /** Give up when no byte has moved for this long. */
  readonly idleTimeoutMillis: number;
}

export interface ExchangeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body. It must be read to its end or destroyed. */
  readonly body: IncomingMessage;
}

function unreachable(error: unknown): CoordinatorUnreachableError {
  const { code, name } = error as NodeJS.ErrnoException;
  const advice = /CERT|TLS/.test(code ?? '')
    ? 'Its TLS certificate is not trusted here: name the file of the authority that signed it in the environment variable NODE_EXTRA_CA_CERTS.'
    : 'Check the network, the proxy settings and that the coordinator is running.';
  return new CoordinatorUnreachableError(`Cannot reach the coordinator (${code ?? name}). ${advice}`);
}

/** Sends a body as its pace allows, and stops early when the answer comes before the end. */
async function sendPaced({ bytes, passing }: PacedBody, outgoing: ClientRequest): Promise<void> {
  const over = new AbortController();
  outgoing.once('close', () => over.abort());
  outgoing.once('response', (incoming) => {
    if (outgoing.writableEnded) return;
    over.abort();
    incoming.once('end', () => outgoing.destroy());
  });
  try {
    for (let offset = 0; offset < bytes.length; offset += passing.sliceBytes) {
      const slice = bytes.subarray(offset, offset + passing.sliceBytes);
      await passing.pass(slice.length, over.signal);
      over.signal.throwIfAborted();
      if (!outgoing.write(slice)) await once(outgoing, 'drain', { signal: over.signal });
    }
    outgoing.end();
  } catch (error) {
    if (!over.signal.aborted) outgoing.destroy(error as Error);
  }
}

/**
 * Sends the request and resolves when the answer's headers are there. The one place through which bodies of requests leave
 * the site: a body waits until the ledger has it.
 *
 * @throws {EgressLedgerError} when the body cannot be recorded; nothing was sent then.
 * @throws {CoordinatorUnreachableError} when no answer comes. When the signal aborts, the signal's reason is thrown.
 */
export async function exchange(
  url: URL,
  request: ExchangeRequest,
  { agent, counter, recordEgress }: Connection,
): Promise<ExchangeAnswer> {
  request.signal.throwIfAborted();
  if (request.body !== undefined) {
    await recordEgress(request.body.egress);
    request.signal.throwIfAborted();
  }
  const body = request.body?.content;
  const length = body === undefined ? undefined : 'passing' in body ? body.bytes.length : body.length;
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const outgoing = send(url, {
    method: request.method,
    headers: { ...request.headers, ...(length === undefined ? {} : { 'content-length': String(length) }) },
    agent,
    signal: request.signal,
  });
  let incoming: IncomingMessage | null = null;
  outgoing.setTimeout(request.idleTimeoutMillis);
  outgoing.on('timeout', () => {
    // Bytes are here that wait for this side, which its policy may slow down: the line is not silent.
    if ((incoming?.readableLength ?? 0) > 0) outgoing.setTimeout(request.idleTimeoutMillis);
    else outgoing.destroy(Object.assign(new Error('no byte moved'), { code: 'ETIMEDOUT' }));
  });
  outgoing.on('socket', (socket) => {
    const settle = counter.track(socket);
    // The parser, which listens before this, has copied out what belongs to the body.
    socket.on('data', releaseMemory);
    outgoing.once('close', () => {
      socket.off('data', releaseMemory);
      settle();
    });
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
  });
  try {
    if (body !== undefined && 'passing' in body) void sendPaced(body, outgoing);
    else outgoing.end(body);
    incoming = await answer;
    return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: incoming };
  } catch (error) {
    outgoing.destroy();
    answer.catch(() => undefined);
    request.signal.throwIfAborted();
    throw unreachable(error);
  }
}

/**
 * The answer's whole body.
 *
 * @throws {CoordinatorUnreachableError} when it breaks off. @throws {RangeError} when it is longer than `maximumBytes`.
 */
export async function readBody(
  answer: ExchangeAnswer,
  { maximumBytes, signal }: { maximumBytes: number; signal: AbortSignal },
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const piece of answer.body) {
      size += (piece as Buffer).length;
      if (size > maximumBytes) break;
      pieces.push(piece as Buffer);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(error);
  }
  if (size > maximumBytes) throw new RangeError(`Cannot read the answer: it must have at most ${maximumBytes} bytes`);
  return Buffer.concat(pieces);
}
