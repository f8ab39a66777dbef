/**
 * The socket that says "there is work" and carries progress. Delivery is at most once and nothing depends on it: while it
 * is down, the site asks for work over HTTP.
 */
import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { CoordinatorToSite, SiteToCoordinator } from '@wardround/protocols/session/events.ts';
import type { Progress } from '@wardround/protocols/session/messages.ts';
import { socketHandshake } from '@wardround/protocols/session/socket-handshake.ts';
import { io, type Socket } from 'socket.io-client';
import type { ByteCounter } from './byte-counter.ts';

export interface HintSocket {
  connected(): boolean;
  progress(progress: Progress): void;
  close(): void;
}

export interface HintSocketOptions {
  readonly url: string;
  readonly agent: HttpAgent | HttpsAgent;
  readonly counter: ByteCounter;
  /** Signs the handshake anew for every attempt to connect. */
  readonly sign: (request: { method: string; path: string }) => Record<string, string>;
  /** Called for every hint, and when the socket comes or goes. */
  readonly onHint: () => void;
}

const FIRST_RECONNECTION_MILLIS = 1000;
const LAST_RECONNECTION_MILLIS = 30_000;

export function createHintSocket({ url, agent, counter, sign, onHint }: HintSocketOptions): HintSocket {
  const socket: Socket<CoordinatorToSite, SiteToCoordinator> = io(url, {
    path: socketHandshake.path,
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
    // engine.io's types name the browser's options only; in Node it hands the agent to ws and to its HTTP requests.
    agent: agent as unknown as string,
    auth: (give) => give(sign(socketHandshake)),
    reconnectionDelay: FIRST_RECONNECTION_MILLIS,
    reconnectionDelayMax: LAST_RECONNECTION_MILLIS,
    randomizationFactor: 0.5,
  });
  socket.on('connect', onHint);
  socket.on('disconnect', onHint);
  socket.on('work', onHint);
  let retryTimer: NodeJS.Timeout | undefined;
  // A refused handshake (site not admitted yet) is not retried by socket.io itself.
  socket.on('connect_error', () => {
    if (socket.active) return;
    clearTimeout(retryTimer);
    retryTimer = setTimeout(() => socket.connect(), LAST_RECONNECTION_MILLIS * (0.5 + Math.random() / 2));
    retryTimer.unref();
  });
  socket.io.on('open', () => {
    socket.io.engine.on('packetCreate', (packet) => {
      const { data } = packet as { data?: string | ArrayBuffer };
      counter.add(1 + (typeof data === 'string' ? Buffer.byteLength(data) : (data?.byteLength ?? 0)));
    });
  });
  return {
    connected: () => socket.connected,
    progress: (progress) => {
      // Volatile: progress that cannot go now is worth nothing later.
      socket.volatile.emit('progress', progress, () => undefined);
    },
    close: () => {
      clearTimeout(retryTimer);
      socket.close();
    },
  };
}
