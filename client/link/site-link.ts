/** A site's connection to its coordinator, as the rest of the client sees it: work in, answers and sealed bytes out. */
import type { IncomingHttpHeaders } from 'node:http';
import type { EgressLabel } from '@wardround/protocols/audit/egress-record.ts';
import { CheckpointAnswer, type CosignatureOffer } from '@wardround/protocols/audit/messages.ts';
import type { KeyRotation } from '@wardround/protocols/enrolment/roster.ts';
import { RosterAnswer, type RosterApprovalMessage } from '@wardround/protocols/enrolment/roster-messages.ts';
import type { Phase } from '@wardround/protocols/secure-aggregation/messages.ts';
import {
  DOCUMENT_SIGNATURE_HEADER,
  type DocumentStatement,
  readDocumentStatement,
} from '@wardround/protocols/session/document-statement.ts';
import {
  Acknowledgement,
  type Decline,
  type EvaluationOffer,
  ModelChain,
  type Progress,
  SessionDocument,
  type SessionOffer,
  type SiteReady,
  StudyStanding,
  type UpdateOffer,
  Work,
} from '@wardround/protocols/session/messages.ts';
import { uploadPieceBytes } from '@wardround/protocols/transfer/resumable-upload.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import { createPace } from '@wardround/shared/streams/pace.ts';
import { type RecordEgress, recordHintsOnce } from '../audit/record-hints-once.ts';
import type { SequenceNumbers } from '../state/sequence-numbers.ts';
import { type Backoff, type Retrying, retry } from './backoff.ts';
import { createByteCounter } from './byte-counter.ts';
import { createDownloadMemory, downloadBlob } from './download-blob.ts';
import { createHintSocket } from './hint-socket.ts';
import { createConnectionPool, type Passing } from './http-exchange.ts';
import type { PinnedCoordinator } from './pinned-coordinator.ts';
import { shareDownloads } from './share-downloads.ts';
import { createSignedClient, egressOf, jsonBody } from './signed-client.ts';
import { uploadFile } from './upload-file.ts';

export interface RoundReference {
  readonly study: Sha256Hex;
  readonly stage: string;
  readonly round: number;
}

/** With what the coordinator signed of it; of none it signed nothing that others could check. */
export type HeardDocument = SessionDocument & { readonly statement?: DocumentStatement | null };

export interface SessionStepReference extends RoundReference {
  readonly attempt: number;
  readonly step: Phase;
}

export interface UploadedBlob {
  readonly hash: Sha256Hex;
  readonly file: string;
  readonly bytes: number;
  /** The round whose update it is, for the site's ledger. */
  readonly round: RoundReference;
  /** What the cohort's patients have spent in all with this update; null or absent where no budget is kept. */
  readonly epsilon?: number | null;
  /** Send no faster than this, downloads at the same time counted. */
  readonly bytesPerSecond?: number | undefined;
  /** Told of the bytes that the coordinator has. */
  readonly onProgress?: (bytes: number) => void;
}

export interface DownloadOptions {
  readonly maximumBytes: number;
  readonly signal: AbortSignal;
  /** Told of the bytes that are here. Of several who ask for a blob at once, the first is told. */
  readonly onProgress?: (bytes: number) => void;
}

/** Every wait ends when its signal aborts. Answers are repeated until the coordinator has them or the signal aborts. */
export interface SiteLink {
  /** One attempt: the loop that asks for work decides when to ask again. */
  work(signal: AbortSignal): Promise<Work>;
  /** The path of the complete, verified blob in the site's folder. */
  download(hash: Sha256Hex, options: DownloadOptions): Promise<string>;
  upload(blob: UploadedBlob, signal: AbortSignal): Promise<void>;
  ready(study: Sha256Hex, ready: SiteReady, signal: AbortSignal): Promise<void>;
  declineStudy(study: Sha256Hex, decline: Decline, signal: AbortSignal): Promise<void>;
  offerUpdate(round: RoundReference, offer: UpdateOffer, signal: AbortSignal): Promise<void>;
  declineRound(round: RoundReference, decline: Decline, signal: AbortSignal): Promise<void>;
  sessionDocument(step: SessionStepReference, signal: AbortSignal): Promise<HeardDocument>;
  sendSessionMessage(step: SessionStepReference, offer: SessionOffer, signal: AbortSignal): Promise<void>;
  modelChain(study: Sha256Hex, stage: string, signal: AbortSignal): Promise<ModelChain>;
  studyStanding(study: Sha256Hex, signal: AbortSignal): Promise<StudyStanding>;
  offerEvaluation(study: Sha256Hex, offer: EvaluationOffer, signal: AbortSignal): Promise<void>;
  /** The newest checkpoint of the coordinator's log, with the proof that it begins with the log of size `from`. */
  checkpoint(from: number, signal: AbortSignal): Promise<CheckpointAnswer>;
  cosign(offer: CosignatureOffer, signal: AbortSignal): Promise<void>;
  /** The roster's epochs after this one, and what waits for members' approval. */
  roster(after: number, signal: AbortSignal): Promise<RosterAnswer>;
  approveRoster(message: RosterApprovalMessage, signal: AbortSignal): Promise<void>;
  rotateKeys(rotation: KeyRotation, signal: AbortSignal): Promise<void>;
  /** For people watching; lost when the line is busy or down. */
  progress(progress: Omit<Progress, 'bytesSent'>): void;
  /** The coordinator's time as far as it is known (signed-client.ts): deadlines and the lives of keys are in it. */
  coordinatorMillis(): number;
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
  readonly sequence: SequenceNumbers;
  readonly onSequenceBehind?: () => void;
  /** Where downloaded blobs are kept. */
  readonly blobFolder: string;
  /** What the site's policy lets leave and enter in a second, asked at every transfer. Uploads can name their own. */
  readonly bytesPerSecond?: () => Promise<number | undefined>;
  /** Resolves when what is about to leave is in the site's ledger; what it refuses does not leave. */
  readonly recordEgress: RecordEgress;
  /** Called when there may be work, and when the socket comes and goes. */
  readonly onHint: () => void;
  readonly onClockDifference?: (offsetMillis: number) => void;
  /** Give up on a request when no byte has moved for this long. */
  readonly idleTimeoutMillis?: number;
  /** Shorter waits and smaller pieces than in service, for tests. */
  readonly backoff?: Backoff;
  readonly pieceBytes?: number;
  /** Told of every failed attempt that will be repeated. */
  readonly onTrouble?: (error: Error) => void;
}

/** Without a socket, progress goes by HTTP at most this often. */
const HTTP_PROGRESS_INTERVAL_MILLIS = 2000;
const PROGRESS_TIMEOUT_MILLIS = 5000;
/** Small enough that a line limited to a kilobyte a second never looks dead for long. */
const SLICE_SECONDS = 0.05;
const LONGEST_SLICE_BYTES = 65_536;

export function openSiteLink(options: SiteLinkOptions): SiteLink {
  const { coordinator, blobFolder } = options;
  const counter = createByteCounter();
  const agent = createConnectionPool(new URL(coordinator.url));
  const recordEgress = recordHintsOnce(options.recordEgress);
  const client = createSignedClient({ ...options, agent, counter, recordEgress });
  const socket = createHintSocket({ url: coordinator.url, agent, counter, sign: client.sign, onHint: options.onHint });
  let nextHttpProgressMillis = 0;

  const untilAnswered = (signal: AbortSignal): Retrying => ({
    signal,
    ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
    ...(options.onTrouble === undefined ? {} : { onTrouble: options.onTrouble }),
  });
  const post = async (path: string, message: unknown, options: { label: EgressLabel; signal: AbortSignal }) => {
    const { label, signal } = options;
    const request = { method: 'POST', path, signal, body: jsonBody(message, label) } as const;
    await retry(() => client.ask(request, Acknowledgement), untilAnswered(signal));
  };
  const pace = createPace();
  const bandwidth = async () => options.bytesPerSecond?.();
  /** All transfers of this link share one line. */
  const paceOf = (bytesPerSecond: number): Passing => ({
    sliceBytes: Math.min(LONGEST_SLICE_BYTES, Math.max(1, Math.round(bytesPerSecond * SLICE_SECONDS))),
    pass: (bytes, signal) => pace.pass('line', { bytes, bytesPerSecond, signal }),
  });
  const downloads = shareDownloads((hash, { maximumBytes, signal, onProgress }) => {
    const get = (firstByte: number) =>
      client.open(
        {
          method: 'GET',
          path: `/v1/blobs/${hash}`,
          signal,
          ...(firstByte === 0 ? {} : { headers: { range: `bytes=${firstByte}-`, 'if-range': `"${hash}"` } }),
        },
        [200, 206, 416],
      );
    const memory = createDownloadMemory();
    let reached = 0;
    const note = (bytes: number) => {
      reached = Math.max(reached, bytes);
      onProgress?.(bytes);
    };
    const attempt = async () => {
      const limit = await bandwidth();
      const passing = limit === undefined ? null : paceOf(limit);
      return downloadBlob(hash, { folder: blobFolder, get, maximumBytes, signal, memory, passing, onProgress: note });
    };
    return retry(attempt, { ...untilAnswered(signal), progress: () => reached });
  });
  const study = (hash: Sha256Hex) => `/v1/studies/${hash}`;
  const round = (reference: RoundReference) =>
    `${study(reference.study)}/stages/${reference.stage}/rounds/${reference.round}`;
  const sessionStep = (reference: SessionStepReference) =>
    `${round(reference)}/attempts/${reference.attempt}/${reference.step}`;

  return {
    work: (signal) => client.ask({ method: 'GET', path: '/v1/work', signal }, Work),
    download: (hash, downloading) => downloads.join(hash, downloading),
    upload: async ({ hash, file, bytes, round, epsilon = null, bytesPerSecond, onProgress }, signal) => {
      const limit = Math.min(...[bytesPerSecond, await bandwidth()].filter((value) => value !== undefined));
      const announcement = { sha256: hash, bytes, ...reference(round) };
      const label = { purpose: 'training', what: 'sealed-update', ...reference(round), epsilon } as const;
      const passing = Number.isFinite(limit) ? paceOf(limit) : null;
      const { pieceBytes = uploadPieceBytes } = options;
      const retrying = untilAnswered(signal);
      await uploadFile({ announcement, file, label, onProgress }, { client, retrying, passing, pieceBytes });
    },
    ready: (hash, ready, signal) => {
      const label = { purpose: 'preparation', what: 'data-counts', study: hash } as const;
      return post(`${study(hash)}/ready`, ready, { label, signal });
    },
    declineStudy: (hash, decline, signal) => {
      const label = { purpose: 'preparation', what: 'reason-code', study: hash } as const;
      return post(`${study(hash)}/decline`, decline, { label, signal });
    },
    offerUpdate: (reference, offer, signal) => {
      const label = { purpose: 'training', what: 'update-figures', ...reference } as const;
      return post(`${round(reference)}/update`, offer, { label, signal });
    },
    declineRound: (reference, decline, signal) => {
      const label = { purpose: 'training', what: 'reason-code', ...reference } as const;
      return post(`${round(reference)}/decline`, decline, { label, signal });
    },
    sessionDocument: (reference, signal) => {
      const path = sessionStep(reference);
      return retry(async () => {
        let signature: unknown;
        const onHeaders = (headers: IncomingHttpHeaders) => {
          signature = headers[DOCUMENT_SIGNATURE_HEADER];
        };
        const document = await client.ask({ method: 'GET', path, signal }, SessionDocument, { onHeaders });
        const said = { site: options.site, path, document };
        return { ...document, statement: readDocumentStatement(signature, said, coordinator.signingKey) };
      }, untilAnswered(signal));
    },
    sendSessionMessage: (reference, offer, signal) => {
      const { study, stage, round } = reference;
      const label = { purpose: 'training', what: 'session-message', study, stage, round } as const;
      return post(sessionStep(reference), offer, { label, signal });
    },
    studyStanding: (hash, signal) => client.ask({ method: 'GET', path: study(hash), signal }, StudyStanding),
    modelChain: (hash, stage, signal) =>
      retry(
        () => client.ask({ method: 'GET', path: `${study(hash)}/stages/${stage}/chain`, signal }, ModelChain),
        untilAnswered(signal),
      ),
    offerEvaluation: (hash, offer, signal) => {
      const label = { purpose: 'evaluation', what: 'sealed-evaluation', study: hash } as const;
      return post(`${study(hash)}/evaluation`, offer, { label, signal });
    },
    checkpoint: (from, signal) => {
      const request = { method: 'GET', path: `/v1/audit/checkpoint?from=${from}`, signal } as const;
      return retry(() => client.ask(request, CheckpointAnswer), untilAnswered(signal));
    },
    cosign: (offer, signal) =>
      post('/v1/audit/cosignature', offer, { label: { purpose: 'audit', what: 'log-cosignature' }, signal }),
    roster: (after, signal) => {
      const request = { method: 'GET', path: `/v1/roster/${after}`, signal } as const;
      return retry(() => client.ask(request, RosterAnswer), untilAnswered(signal));
    },
    approveRoster: (message, signal) =>
      post('/v1/roster/approvals', message, { label: { purpose: 'enrolment', what: 'roster-approval' }, signal }),
    rotateKeys: (rotation, signal) =>
      post('/v1/roster/rotations', rotation, { label: { purpose: 'enrolment', what: 'public-keys' }, signal }),
    progress: (progress) => {
      const message = { ...progress, bytesSent: counter.total() };
      const { study: ofStudy, stage, round: ofRound } = message;
      const body = jsonBody(message, {
        purpose: 'progress',
        what: 'progress-hints',
        study: ofStudy,
        stage,
        round: ofRound,
      });
      if (socket.connected()) {
        recordEgress(egressOf(body, coordinator.fingerprint)).then(() => socket.progress(message), options.onTrouble);
        return;
      }
      if (performance.now() < nextHttpProgressMillis) return;
      nextHttpProgressMillis = performance.now() + HTTP_PROGRESS_INTERVAL_MILLIS;
      const signal = AbortSignal.timeout(PROGRESS_TIMEOUT_MILLIS);
      client.ask({ method: 'POST', path: '/v1/progress', signal, body }, Acknowledgement).catch(() => undefined);
    },
    coordinatorMillis: client.coordinatorMillis,
    bytesSent: () => counter.total(),
    announced: () => socket.connected(),
    close: () => {
      socket.close();
      agent.destroy();
    },
  };
}

/** Callers give more than this; the announcement holds no more. */
function reference({ study, stage, round }: RoundReference): RoundReference {
  return { study, stage, round };
}
