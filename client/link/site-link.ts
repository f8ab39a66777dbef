/** A site's connection to its coordinator, as the rest of the client sees it: work in, answers and sealed bytes out. */
import {
  Acknowledgement,
  type Decline,
  type EvaluationOffer,
  type Progress,
  type SiteReady,
  type UpdateOffer,
  Work,
} from '@wardround/protocols/session/messages.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import { type Retrying, retry } from './backoff.ts';
import { createByteCounter } from './byte-counter.ts';
import { downloadBlob } from './download-blob.ts';
import { createHintSocket } from './hint-socket.ts';
import { createConnectionPool } from './http-exchange.ts';
import type { PinnedCoordinator } from './pinned-coordinator.ts';
import { createSignedClient, jsonBody } from './signed-client.ts';

export interface RoundReference {
  readonly study: Sha256Hex;
  readonly stage: string;
  readonly round: number;
}

/** Every wait ends when its signal aborts. Answers are repeated until the coordinator has them or the signal aborts. */
export interface SiteLink {
  /** One attempt: the loop that asks for work decides when to ask again. */
  work(signal: AbortSignal): Promise<Work>;
  /** The path of the complete, verified blob in the site's folder. */
  download(hash: Sha256Hex, options: { maximumBytes: number; signal: AbortSignal }): Promise<string>;
  upload(blob: { hash: Sha256Hex; file: string; bytes: number }, signal: AbortSignal): Promise<void>;
  ready(study: Sha256Hex, ready: SiteReady, signal: AbortSignal): Promise<void>;
  declineStudy(study: Sha256Hex, decline: Decline, signal: AbortSignal): Promise<void>;
  offerUpdate(round: RoundReference, offer: UpdateOffer, signal: AbortSignal): Promise<void>;
  declineRound(round: RoundReference, decline: Decline, signal: AbortSignal): Promise<void>;
  offerEvaluation(study: Sha256Hex, offer: EvaluationOffer, signal: AbortSignal): Promise<void>;
  /** For people watching; lost when the line is busy or down. */
  progress(progress: Omit<Progress, 'bytesSent'>): void;
  /** Bytes sent since the link was opened (byte-counter.ts says what counts). */
  bytesSent(): number;
  /** Whether work is announced by the socket; otherwise it is asked for. */
  announced(): boolean;
  close(): void;
}

export interface SiteLinkOptions {
  readonly coordinator: PinnedCoordinator;
  readonly identity: Identity;
  readonly site: string;
  /** Where downloaded blobs are kept. */
  readonly blobFolder: string;
  /** Called when there may be work, and when the socket comes and goes. */
  readonly onHint: () => void;
  readonly onClockDifference?: (offsetMillis: number) => void;
  /** Told of every failed attempt that will be repeated. */
  readonly onTrouble?: (error: Error) => void;
}

/** Without a socket, progress goes by HTTP at most this often. */
const HTTP_PROGRESS_INTERVAL_MILLIS = 2000;
const PROGRESS_TIMEOUT_MILLIS = 5000;

export function openSiteLink(options: SiteLinkOptions): SiteLink {
  const { coordinator, blobFolder } = options;
  const counter = createByteCounter();
  const agent = createConnectionPool(new URL(coordinator.url));
  const client = createSignedClient({ ...options, agent, counter });
  const socket = createHintSocket({ url: coordinator.url, agent, counter, sign: client.sign, onHint: options.onHint });
  let nextHttpProgressMillis = 0;

  const untilAnswered = (signal: AbortSignal): Retrying => ({
    signal,
    ...(options.onTrouble === undefined ? {} : { onTrouble: options.onTrouble }),
  });
  const post = async (path: string, message: unknown, signal: AbortSignal) => {
    const request = { method: 'POST', path, signal, body: jsonBody(message) } as const;
    await retry(() => client.ask(request, Acknowledgement), untilAnswered(signal));
  };
  const study = (hash: Sha256Hex) => `/v1/studies/${hash}`;
  const round = (reference: RoundReference) =>
    `${study(reference.study)}/stages/${reference.stage}/rounds/${reference.round}`;

  return {
    work: (signal) => client.ask({ method: 'GET', path: '/v1/work', signal }, Work),
    download: (hash, { maximumBytes, signal }) => {
      const get = (firstByte: number) =>
        client.open(
          {
            method: 'GET',
            path: `/v1/blobs/${hash}`,
            signal,
            ...(firstByte === 0 ? {} : { headers: { range: `bytes=${firstByte}-` } }),
          },
          [200, 206, 416],
        );
      return retry(() => downloadBlob(hash, { folder: blobFolder, get, maximumBytes, signal }), untilAnswered(signal));
    },
    upload: async ({ hash, file, bytes }, signal) => {
      const body = { hash, type: 'application/octet-stream', content: { file, size: bytes } } as const;
      const request = { method: 'PUT', path: `/v1/blobs/${hash}`, signal, body } as const;
      await retry(() => client.ask(request, Acknowledgement), untilAnswered(signal));
    },
    ready: (hash, ready, signal) => post(`${study(hash)}/ready`, ready, signal),
    declineStudy: (hash, decline, signal) => post(`${study(hash)}/decline`, decline, signal),
    offerUpdate: (reference, offer, signal) => post(`${round(reference)}/update`, offer, signal),
    declineRound: (reference, decline, signal) => post(`${round(reference)}/decline`, decline, signal),
    offerEvaluation: (hash, offer, signal) => post(`${study(hash)}/evaluation`, offer, signal),
    progress: (progress) => {
      const message = { ...progress, bytesSent: counter.total() };
      if (socket.connected()) return socket.progress(message);
      if (performance.now() < nextHttpProgressMillis) return;
      nextHttpProgressMillis = performance.now() + HTTP_PROGRESS_INTERVAL_MILLIS;
      const signal = AbortSignal.timeout(PROGRESS_TIMEOUT_MILLIS);
      client
        .ask({ method: 'POST', path: '/v1/progress', signal, body: jsonBody(message) }, Acknowledgement)
        .catch(() => undefined);
    },
    bytesSent: () => counter.total(),
    announced: () => socket.connected(),
    close: () => {
      socket.close();
      agent.destroy();
    },
  };
}
