/**
 * Every bound that protects the coordinator from what arrives, in one place, and the oldest release of each package at the
 * edge that has no known hole. Review both together; tests hold the server and the lock file to them.
 */
import { uploadPieceBytes, uploadPiecesAtOnce } from '@wardround/protocols/transfer/resumable-upload.ts';

/** What a line must carry at least; a site's own policy can ask for no less. */
const leastBytesPerSecond = 1000;

export const limits = {
  /** A signed request's time may differ from ours by so much; its nonce is remembered for as long. */
  clockToleranceMillis: 300_000,

  /** Largest bodies. An evaluation report is 400 kB of base64url at most, a plan can list 30,000 genes. */
  messageBytes: 256 * 1024,
  evaluationBytes: 512 * 1024,
  planBytes: 4 * 1024 * 1024,
  /** Lists and objects inside one another in a message. */
  jsonDepth: 32,
  /** A message (not an upload) must have arrived whole within this time. */
  messageMillis: 30_000,
  /** How long the rest of a body that was refused may still arrive, so that its sender can read the refusal. */
  refusedBodyMillis: 30_000,

  /** Uploads of one site that are complete and wait to be offered. */
  uploadsWaiting: 4,
  /** What one site's unfinished uploads may take, and how they come in (staged-uploads.ts). */
  uploads: {
    pieceBytes: uploadPieceBytes,
    piecesAtOnce: uploadPiecesAtOnce,
    /** Shorter than a client's patience with a connection on which nothing moves. */
    pieceWaitMillis: 20_000,
    uploadsAtOnce: 2,
    siteBytes: 64 * 2 ** 30,
    expiryMillis: 24 * 3_600_000,
    sweepMillis: 600_000,
  },

  /** Requests of one site, and of one address that has not shown who it is. */
  siteRequests: { perSecond: 50, burst: 200 },
  /** Pieces of one site's uploads: 1.6 GB a second. */
  sitePieces: { perSecond: 400, burst: 800 },
  strangerRequests: { perSecond: 20, burst: 100 },
  /** Socket messages of one site. */
  socketMessages: { perSecond: 20, burst: 60 },

  http: {
    headersTimeoutMillis: 10_000,
    /** The pieces under way over the slowest line: slow ones are welcome, silent ones end after `idleTimeoutMillis`. */
    requestTimeoutMillis: Math.ceil((1000 * uploadPiecesAtOnce * uploadPieceBytes) / leastBytesPerSecond),
    idleTimeoutMillis: 120_000,
    keepAliveTimeoutMillis: 30_000,
    checkIntervalMillis: 2000,
    maximumHeaders: 64,
    maximumHeaderBytes: 8192,
    /** A thousand sites have a socket and a line for requests each; the administrator must still come through. */
    maximumConnections: 4000,
    maximumRequestsPerSocket: 1000,
  },

  socket: {
    messageBytes: 64 * 1024,
    connectTimeoutMillis: 10_000,
    pingIntervalMillis: 25_000,
    pingTimeoutMillis: 20_000,
  },
} as const;

/** Package by package with what the named release repaired. A package that is not installed is not asked for. */
export const oldestReleases = {
  /** Keeps errors of asynchronous handlers from ending the process. */
  express: '5.0.0',
  /** CVE-2026-12590: a limit that could not be read switched the limit off. */
  'body-parser': '2.3.0',
  /** CVE-2025-15284, CVE-2026-2391. */
  qs: '6.16.0',
  'socket.io': '4.8.4',
  /** CVE-2026-69185, CVE-2026-33151: memory without end for attachments; CVE-2023-32695: a packet that ends the process. */
  'socket.io-parser': '4.2.7',
  'engine.io': '6.6.9',
  /** CVE-2026-48779, CVE-2026-45736: fragments without end. */
  ws: '8.21.0',
  /** CVE-2026-23745 and what followed, in archives unpacked at installation. */
  tar: '7.5.11',
} as const;
