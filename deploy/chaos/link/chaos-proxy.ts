/**
 * A bad network in this process: stands between sites and coordinator, and delays, narrows, stalls, resets and swallows what
 * passes, as tests tell it. It also sees what the coordinator has acknowledged, whether or not the answer arrives.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, connect as openSocket, type Socket } from 'node:net';
import { SIGNATURE_HEADERS } from '@wardround/shared/crypto/signed-request.ts';
import { GOOD_LINE, type LineQuality, openLine } from './line-quality.ts';
import { createPartReader, type Head, type Part, statusOf, withoutUpgrade } from './message-parts.ts';

/** What becomes of one request. In the middle means after half of the request's body. */
export type Fate =
  | 'pass'
  | 'lose-request'
  | 'lose-response'
  | 'reset-in-the-middle'
  | 'swallow-in-the-middle'
  /** One bit of the request's body turns over. */
  | 'flip-request'
  /** One bit of the answer's body turns over. */
  | 'flip-response';

export interface PassingRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** A request that the coordinator has answered. */
export interface Exchange extends PassingRequest {
  /** Of JSON alone; other bodies are not kept. */
  readonly requestBody: Buffer;
  readonly status: number;
  /** Whether the answer was let through. */
  readonly isDelivered: boolean;
}

export interface ChaosProxy {
  readonly url: string;
  /** Where new connections go; null for nowhere: they are reset. */
  connectTo(port: number | null): void;
  /** Of all lines, from now on. */
  setLine(quality: Partial<LineQuality>): void;
  /** Decides over each request; null lets all pass. */
  setFate(decide: ((request: PassingRequest) => Fate) | null): void;
  /** From now on nothing passes from or to these sites: their connections stay open and are silent. Null ends it, as does `heal`. */
  cutOff(sites: readonly string[] | null): void;
  /** Takes the wish for a socket out of requests, as old proxies do. */
  stripUpgrades(strip: boolean): void;
  /** Resets every connection there is. */
  reset(): void;
  /** Lets the coordinator's ends go; sites see open connections on which nothing comes. */
  halfOpen(): void;
  /** A good line again. What was swallowed stays lost: such connections are reset. */
  heal(): void;
  close(): Promise<void>;
}

interface Connection {
  readonly site: Socket;
  readonly coordinator: Socket;
  isSwallowing: boolean;
  /** Who speaks here, once that was said. */
  speaker: string | null;
  reset(): void;
}

export async function startChaosProxy(
  options: {
    readonly onExchange?: (exchange: Exchange) => void;
    /** Called before a request is let through. */
    readonly onRequest?: (request: PassingRequest & { readonly body: Buffer }) => void;
    /** Where it listens; on this machine alone unless given. */
    readonly host?: string | undefined;
  } = {},
): Promise<ChaosProxy> {
  const { onExchange = () => undefined, onRequest = () => undefined, host = '127.0.0.1' } = options;
  let target: number | null = null;
  let quality = GOOD_LINE;
  let decide: ((request: PassingRequest) => Fate) | null = null;
  let isStripping = false;
  let away: readonly string[] = [];
  const connections = new Set<Connection>();

  const accept = (site: Socket): void => {
    if (target === null) {
      site.resetAndDestroy();
      return;
    }
    const coordinator = openSocket({ port: target, host: '127.0.0.1', noDelay: true });
    const connection: Connection = {
      site,
      coordinator,
      isSwallowing: false,
      speaker: null,
      reset() {
        site.resetAndDestroy();
        coordinator.destroy();
      },
    };
    connections.add(connection);
    const up = openLine({ from: site, to: coordinator }, () => quality);
    const down = openLine({ from: coordinator, to: site }, () => quality);
    const requests = createPartReader('requests');
    const answers = createPartReader('answers');
    const waiting: { request: PassingRequest; fate: Fate; body: Buffer[]; left: number; status: number }[] = [];

    const takeRequestPart = (part: Part): void => {
      if (part.kind === 'raw') {
        up.send(part.bytes);
        return;
      }
      if (part.kind === 'head') {
        const request = requestOf(part.head);
        connection.speaker = request.headers.get(SIGNATURE_HEADERS.site) ?? connection.speaker;
        if (away.includes(connection.speaker ?? '')) {
          connection.isSwallowing = true;
          return;
        }
        const fate = decide?.(request) ?? 'pass';
        if (fate === 'lose-request') {
          connection.reset();
          return;
        }
        const length = part.head.bodyBytes ?? 0;
        waiting.push({ request, fate, body: [], left: Math.ceil(length / 2), status: 0 });
        up.send(isStripping ? withoutUpgrade(part.bytes) : part.bytes);
        if (length === 0) middle(waiting.at(-1));
        return;
      }
      const last = waiting.at(-1);
      if (last === undefined) return;
      const isMessage = last.request.headers.get('content-type')?.startsWith('application/json') === true;
      if (isMessage) last.body.push(part.bytes);
      if (part.isEnd && isMessage) onRequest({ ...last.request, body: Buffer.concat(last.body) });
      const before = last.left;
      last.left -= part.bytes.length;
      const isMiddle = before > 0 && last.left <= 0;
      const isCut = last.fate === 'reset-in-the-middle' || last.fate === 'swallow-in-the-middle';
      const bytes = isMiddle && last.fate === 'flip-request' ? flipped(part.bytes) : part.bytes;
      up.send(isMiddle && isCut ? bytes.subarray(0, before - 1) : bytes);
      if (isMiddle) middle(last);
    };

    const middle = (last: (typeof waiting)[number] | undefined): void => {
      if (last?.fate === 'reset-in-the-middle') connection.reset();
      if (last?.fate === 'swallow-in-the-middle') connection.isSwallowing = true;
    };

    const takeAnswerPart = (part: Part): void => {
      const first = waiting[0];
      if (part.kind === 'head' && first !== undefined) first.status = statusOf(part.head.startLine);
      if (part.kind === 'head' && part.head.bodyBytes === null) requests.goRaw();
      const isInformation = part.kind === 'head' && statusOf(part.head.startLine) < 200;
      const isEnd = part.kind === 'body' ? part.isEnd : part.kind === 'head' && part.head.bodyBytes === 0;
      if (first?.fate === 'lose-response' && part.kind === 'head' && !isInformation) {
        onExchange(exchangeOf(first, false));
        connection.reset();
        return;
      }
      if (isEnd && !isInformation && first !== undefined) {
        waiting.shift();
        onExchange(exchangeOf(first, true));
      }
      down.send(part.kind === 'body' && first?.fate === 'flip-response' ? flipped(part.bytes) : part.bytes);
    };

    site.on('data', (piece: Buffer) => {
      for (const part of requests.push(piece)) if (!connection.isSwallowing && !site.destroyed) takeRequestPart(part);
    });
    coordinator.on('data', (piece: Buffer) => {
      for (const part of answers.push(piece)) if (!connection.isSwallowing && !site.destroyed) takeAnswerPart(part);
    });
    site.on('end', () => up.end());
    coordinator.on('end', () => {
      if (!connection.isSwallowing) down.end();
    });
    site.on('error', () => coordinator.destroy());
    coordinator.on('error', () => {
      if (!connection.isSwallowing) site.resetAndDestroy();
    });
    site.on('close', () => {
      coordinator.destroy();
      connections.delete(connection);
    });
    coordinator.on('close', (hadError) => {
      if (hadError && !connection.isSwallowing) site.resetAndDestroy();
    });
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
  server.listen(0, host);
  await once(server, 'listening');
  const reset = (): void => {
    for (const connection of [...connections]) connection.reset();
  };

  return {
    url: `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${(server.address() as AddressInfo).port}`,
    connectTo(port) {
      target = port;
    },
    setLine(change) {
      quality = { ...quality, ...change };
    },
    setFate(next) {
      decide = next;
    },
    cutOff(sites) {
      away = sites ?? [];
      for (const connection of [...connections]) {
        if (away.includes(connection.speaker ?? '')) connection.isSwallowing = true;
        else if (sites === null && connection.isSwallowing) connection.reset();
      }
    },
    stripUpgrades(strip) {
      isStripping = strip;
    },
    reset,
    halfOpen() {
      for (const connection of connections) {
        connection.isSwallowing = true;
        connection.coordinator.destroy();
      }
    },
    heal() {
      away = [];
      quality = GOOD_LINE;
      decide = null;
      isStripping = false;
      for (const connection of [...connections]) if (connection.isSwallowing) connection.reset();
    },
    async close() {
      reset();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Once is enough: it is not undone when the body comes in several parts. */
function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const middle = copy.length >> 1;
  copy[middle] = copy[middle]! ^ 1;
  return copy;
}

function requestOf({ startLine, headers }: Head): PassingRequest {
  const [method = '', path = ''] = startLine.split(' ');
  return { method, path, headers };
}

function exchangeOf(
  {
    request,
    body,
    status,
  }: { readonly request: PassingRequest; readonly body: readonly Buffer[]; readonly status: number },
  isDelivered: boolean,
): Exchange {
  return { ...request, requestBody: Buffer.concat(body), status, isDelivered };
}
