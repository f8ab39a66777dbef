/** Every bound that protects the coordinator from what arrives, in one place. */
export const limits = {
  /** A signed request's time may differ from ours by so much; its nonce is remembered for as long. */
  clockToleranceMillis: 300_000,

  /** Largest bodies. An evaluation report is 400 kB of base64url at most, a plan can list 30,000 genes. */
  messageBytes: 256 * 1024,
  evaluationBytes: 512 * 1024,
  planBytes: 4 * 1024 * 1024,
  /** A message (not an upload) must have arrived whole within this time. */
  messageMillis: 30_000,
  /** How long the rest of a body that was refused may still arrive, so that its sender can read the refusal. */
  refusedBodyMillis: 30_000,

  /** Uploads of one site that are under way at the same time, and that wait to be offered. */
  uploadsAtOnce: 2,
  uploadsWaiting: 4,

  /** Requests of one site, and of one address that has not shown who it is. */
  siteRequests: { perSecond: 50, burst: 200 },
  strangerRequests: { perSecond: 20, burst: 100 },
  /** Socket messages of one site. */
  socketMessages: { perSecond: 20, burst: 60 },

  http: {
    headersTimeoutMillis: 10_000,
    /** A whole upload: slow lines are welcome, silent ones end after `idleTimeoutMillis`. */
    requestTimeoutMillis: 3_600_000,
    idleTimeoutMillis: 120_000,
    keepAliveTimeoutMillis: 30_000,
    checkIntervalMillis: 2000,
    maximumHeaders: 64,
    maximumHeaderBytes: 8192,
    maximumConnections: 2000,
    maximumRequestsPerSocket: 1000,
  },

  socket: {
    messageBytes: 64 * 1024,
    connectTimeoutMillis: 10_000,
    pingIntervalMillis: 25_000,
    pingTimeoutMillis: 20_000,
  },
} as const;
