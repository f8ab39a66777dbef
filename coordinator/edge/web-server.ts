/** The HTTP server with its limits, and the express application on it: known routes, one place where errors become answers. */
import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { RefusalError } from '../refusal-error.ts';
import { limits } from './limits.ts';
import { problemOf } from './problem.ts';
import type { SendAnswer } from './send-answer.ts';

export interface TlsFiles {
  /** PEM. */
  readonly key: Buffer;
  readonly certificate: Buffer;
}

export type HttpLimits = Readonly<Record<keyof typeof limits.http, number>>;

export interface WebServer {
  readonly server: Server;
  /** Begins to serve these routes; everything else is not found. */
  serve(routes: readonly RequestHandler[]): void;
}

export function createWebServer(options: {
  readonly send: SendAnswer;
  readonly log: Logger;
  readonly tls: TlsFiles | null;
  /** Shorter times, for tests. */
  readonly http?: HttpLimits;
}): WebServer {
  const { send, log, tls, http = limits.http } = options;
  const app = express();
  app.set('query parser', 'simple');
  app.set('case sensitive routing', true);
  app.set('strict routing', true);
  app.set('etag', false);
  app.disable('x-powered-by');
  app.use(helmet());

  const serverOptions: ServerOptions = {
    headersTimeout: http.headersTimeoutMillis,
    requestTimeout: http.requestTimeoutMillis,
    keepAliveTimeout: http.keepAliveTimeoutMillis,
    connectionsCheckingInterval: http.checkIntervalMillis,
    maxHeaderSize: http.maximumHeaderBytes,
  };
  const server: Server =
    tls === null
      ? createServer(serverOptions, app)
      : createTlsServer({ ...serverOptions, key: tls.key, cert: tls.certificate, minVersion: 'TLSv1.2' }, app);
  server.maxHeadersCount = http.maximumHeaders;
  server.maxConnections = http.maximumConnections;
  server.maxRequestsPerSocket = http.maximumRequestsPerSocket;
  server.timeout = http.idleTimeoutMillis;

  return {
    server,
    serve(routes) {
      if (routes.length > 0) app.use(...routes);
      app.use(() => {
        throw new RefusalError('not-found', { status: 404, message: 'There is nothing at this address.' });
      });
      // Express knows an error handler by its four parameters.
      app.use(function answerProblem(error: unknown, request: Request, response: Response, _next: NextFunction) {
        // The other side went away, or part of the answer did: there is nobody to tell.
        if (response.headersSent || request.socket.destroyed) return void response.destroy();
        const { status, problem, retryAfterSeconds } = problemOf(error, log);
        if (retryAfterSeconds !== undefined) response.set('retry-after', String(retryAfterSeconds));
        send(request, response, { status, body: problem });
        if (!request.complete) {
          const { socket } = request;
          setTimeout(() => request.complete || socket.destroy(), limits.refusedBodyMillis).unref();
        }
      });
    },
  };
}
