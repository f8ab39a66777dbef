/**
 * The sockets: hints that there is work, and progress for people watching. Nothing durable happens here, so nothing is lost
 * when a socket is; every message is checked, and none can end the process.
 */
import type { Server as HttpServer } from 'node:http';
import type { CoordinatorToSite, SiteToCoordinator } from '@wardround/protocols/session/events.ts';
import { Progress } from '@wardround/protocols/session/messages.ts';
import { socketHandshake } from '@wardround/protocols/session/socket-handshake.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { HeaderFields } from '@wardround/shared/crypto/signed-request.ts';
import type { Logger } from 'pino';
import { Server, type Socket } from 'socket.io';
import type { IdentifyCaller } from './caller.ts';
import { limits } from './limits.ts';
import { problemOf } from './problem.ts';
import type { ProgressBoard } from './progress-board.ts';
import { createTokenBucket } from './token-bucket.ts';

export interface HintSockets {
  /** Tells these sites to ask for work, those that have a socket. */
  hint(sites: readonly string[]): void;
  isConnected(site: string): boolean;
  /** Those that have a socket. */
  sites(): string[];
  /** Ends the site's socket: it has no business here any more. */
  disconnect(site: string): void;
  close(): Promise<void>;
}

interface SocketData {
  site?: string;
  isAdmitted?: boolean;
}

type SiteSocket = Socket<SiteToCoordinator, CoordinatorToSite, Record<string, never>, SocketData>;

const noBody = sha256Hex('');

export function openHintSockets(
  server: HttpServer,
  parts: {
    readonly identify: IdentifyCaller;
    readonly progress: ProgressBoard;
    readonly now: () => number;
    readonly log: Logger;
    readonly onConnected?: (site: string) => void;
  },
): HintSockets {
  const { identify, progress, now, log, onConnected } = parts;
  const messages = createTokenBucket(limits.socketMessages, now);
  const sockets = new Map<string, SiteSocket>();
  // Without connectionStateRecovery: a recovered session would skip the handshake below.
  const io = new Server<SiteToCoordinator, CoordinatorToSite, Record<string, never>, SocketData>(server, {
    path: socketHandshake.path,
    maxHttpBufferSize: limits.socket.messageBytes,
    connectTimeout: limits.socket.connectTimeoutMillis,
    pingInterval: limits.socket.pingIntervalMillis,
    pingTimeout: limits.socket.pingTimeoutMillis,
    perMessageDeflate: false,
    httpCompression: false,
    serveClient: false,
    allowEIO3: false,
  });

  io.use((socket: SiteSocket, next) => {
    admit(socket).then(
      () => next(),
      (error: unknown) => {
        const { problem } = problemOf(error, log);
        next(Object.assign(new Error(problem.code), { data: problem }));
      },
    );
  });

  const admit = async (socket: SiteSocket): Promise<void> => {
    const headers = socket.handshake.auth as HeaderFields;
    const caller = await identify({ ...socketHandshake, headers });
    if (caller.site === null || caller.contentSha256 !== noBody) throw new TypeError('not a site’s handshake');
    socket.data.site = caller.name;
  };

  io.on('connection', (socket: SiteSocket) => {
    const { site } = socket.data;
    if (site === undefined) return void socket.disconnect(true);
    // One socket a site: a newer one means that the older is dead or a second client runs.
    sockets.get(site)?.disconnect(true);
    sockets.set(site, socket);
    log.info({ site }, 'site-connected');
    onConnected?.(site);
    socket.on('disconnect', () => {
      if (sockets.get(site) === socket) sockets.delete(site);
      log.info({ site }, 'site-disconnected');
    });
    socket.on('error', () => socket.disconnect(true));
    socket.on(
      'progress',
      guarded((message: unknown, acknowledge: unknown) => {
        // Whatever arrives counts, also what cannot be understood.
        const isInTime = messages.take(site) === 0;
        const understood = isInTime ? Progress.safeParse(message) : null;
        const isWelcome = understood?.success === true;
        if (isWelcome) progress.note(site, understood.data);
        if (typeof acknowledge === 'function') acknowledge(isWelcome);
      }),
    );
  });

  /** An error in a listener would otherwise end the process: socket.io calls listeners bare. */
  function guarded<Arguments extends unknown[]>(listener: (...values: Arguments) => void) {
    return (...values: Arguments): void => {
      try {
        listener(...values);
      } catch (error) {
        problemOf(error, log);
      }
    };
  }

  return {
    hint(sites) {
      for (const site of sites) sockets.get(site)?.emit('work');
    },
    isConnected: (site) => sockets.get(site)?.connected === true,
    sites: () => [...sockets.keys()],
    disconnect: (site) => void sockets.get(site)?.disconnect(true),
    close: () => io.close(),
  };
}
