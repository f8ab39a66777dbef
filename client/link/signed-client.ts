/** Signed requests to the pinned coordinator, and answers that are believed only with its signature. */
import type { Agent as HttpAgent, IncomingHttpHeaders } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { EgressEntry, EgressLabel } from '@wardround/protocols/audit/egress-record.ts';
import { Problem } from '@wardround/protocols/session/messages.ts';
import {
  readUploadState,
  type UploadState,
  uploadStatementHash,
} from '@wardround/protocols/transfer/resumable-upload.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import {
  SIGNATURE_HEADERS,
  SignatureRefusedError,
  signRequest,
  verifyAnswer,
} from '@wardround/shared/crypto/signed-request.ts';
import type { z } from 'zod';
import type { RecordEgress } from '../audit/record-hints-once.ts';
import { printable } from '../policy/printable.ts';
import type { SequenceNumbers } from '../state/sequence-numbers.ts';
import { retryAfterMillis } from './backoff.ts';
import type { ByteCounter } from './byte-counter.ts';
import {
  CoordinatorRefusedError,
  CoordinatorUnreachableError,
  UnintelligibleAnswerError,
  UntrustedAnswerError,
} from './errors.ts';
import { type ExchangeAnswer, type ExchangeRequest, exchange, type PacedBody, readBody } from './http-exchange.ts';
import type { PinnedCoordinator } from './pinned-coordinator.ts';

export interface SignedClientOptions {
  readonly coordinator: Pick<PinnedCoordinator, 'url' | 'fingerprint' | 'signingKey'>;
  readonly identity: Identity;
  readonly site: string;
  readonly agent: HttpAgent | HttpsAgent;
  readonly counter: ByteCounter;
  /** Resolves when what is about to leave is in the site's ledger. */
  readonly recordEgress: RecordEgress;
  /** Of this site's requests; null before it is enrolled, when none are counted. */
  readonly sequence: SequenceNumbers | null;
  /** Called when the numbers were behind what the coordinator has seen: the site's folder was put back to an older state. */
  readonly onSequenceBehind?: () => void;
  readonly nowMillis?: () => number;
  /** Called when the coordinator's clock differs too much and requests follow its time from now on. */
  readonly onClockDifference?: (offsetMillis: number) => void;
  /** Give up on a request when no byte has moved for this long. */
  readonly idleTimeoutMillis?: number;
}

interface BodyToSend {
  readonly hash: Sha256Hex;
  readonly type: 'application/json' | 'application/offset+octet-stream';
  readonly content: Uint8Array | PacedBody;
  /** What the site's ledger says of it. */
  readonly label: EgressLabel;
}

export interface SignedRequest {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyToSend;
}

export interface SignedClient {
  /**
   * Asks and reads the answer as a message of the schema.
   *
   * @throws {EgressLedgerError | CoordinatorUnreachableError | CoordinatorRefusedError | UntrustedAnswerError | UnintelligibleAnswerError}
   */
  ask<Message>(
    request: SignedRequest,
    schema: z.ZodType<Message>,
    options?: {
      /** Given the headers of the answer, which its signature does not cover. */ readonly onHeaders?: (
        headers: IncomingHttpHeaders,
      ) => void;
    },
  ): Promise<Message>;
  /** Asks for bytes that are checked by their name: an answer with one of `accepted` is handed over unread and unverified. */
  open(request: SignedRequest, accepted: readonly number[]): Promise<ExchangeAnswer>;
  /** Asks where an upload stands, which one of `accepted` says; such answers have no body, and their signature covers the state. */
  uploadState(request: SignedRequest, accepted: readonly number[]): Promise<UploadState>;
  /** The signature headers of an empty request, for the socket's handshake. */
  sign(request: { method: string; path: string }): Record<string, string>;
  /** The coordinator's time, as its newest signed answer said it; this machine's before there was one. */
  coordinatorMillis(): number;
}

const EMPTY_HASH = sha256Hex('');
const MAXIMUM_ANSWER_BYTES = 4 << 20;
const DEFAULT_IDLE_TIMEOUT_MILLIS = 60_000;
/** A coordinator's clock is followed up to here; beyond it somebody must look at the clocks. */
const MAXIMUM_CLOCK_OFFSET_MILLIS = 86_400_000;

export function jsonBody(message: unknown, label: EgressLabel): BodyToSend {
  const content = Buffer.from(canonicalJson(message));
  return { hash: sha256Hex(content), type: 'application/json', content, label };
}

/** What the ledger keeps of a body that goes to the coordinator with this fingerprint. */
export function egressOf({ hash, content, label }: BodyToSend, destination: Sha256Hex): EgressEntry {
  const bytes = 'passing' in content ? content.bytes.length : content.length;
  const { study = null, stage = null, round = null, epsilon = null, purpose, what } = label;
  return { purpose, what, study, stage, round, epsilon, bytes, sha256: hash, destination };
}

/** Statuses that a proxy or an overloaded server gives, and that pass by themselves. */
function isTransient(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
}

function comeBackLater(status: number, headers: IncomingHttpHeaders): CoordinatorUnreachableError {
  return new CoordinatorUnreachableError(`Cannot reach the coordinator: it is not available now (status ${status}).`, {
    retryAfterMillis: retryAfterMillis(headers['retry-after'], Date.now()),
  });
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

export function createSignedClient(options: SignedClientOptions): SignedClient {
  const { coordinator, identity, site, agent, counter, recordEgress, sequence } = options;
  const nowMillis = options.nowMillis ?? Date.now;
  const idleTimeoutMillis = options.idleTimeoutMillis ?? DEFAULT_IDLE_TIMEOUT_MILLIS;
  let clockOffsetMillis = 0;
  /** By the newest signed answer, and how much time had passed in this process then: this machine's clock may be set at any time. */
  let told: { readonly timeMillis: number; readonly atMillis: number } | null = null;

  function signatureOf({ method, path, bodyHash }: { method: string; path: string; bodyHash: Sha256Hex }) {
    return signRequest({
      identity,
      site,
      method,
      path,
      bodyHash,
      coordinatorFingerprint: coordinator.fingerprint,
      nowMillis: Math.round(nowMillis() + clockOffsetMillis),
      sequence: sequence === null ? null : sequence.next(),
    });
  }

  async function send(request: SignedRequest): Promise<{ answer: ExchangeAnswer; nonce: string }> {
    const { method, path, body, signal } = request;
    const signature = signatureOf({ method, path, bodyHash: body?.hash ?? EMPTY_HASH });
    const outgoing: ExchangeRequest = {
      method,
      headers: {
        accept: 'application/json, application/octet-stream',
        ...(body === undefined ? {} : { 'content-type': body.type }),
        ...request.headers,
        ...signature,
      },
      body: body && { content: body.content, egress: egressOf(body, coordinator.fingerprint) },
      signal,
      idleTimeoutMillis,
    };
    const answer = await exchange(new URL(path, coordinator.url), outgoing, { agent, counter, recordEgress });
    return { answer, nonce: signature[SIGNATURE_HEADERS.nonce]! };
  }

  /** The answer's body, once its signature is checked. */
  async function readVerified(
    { answer, nonce }: { answer: ExchangeAnswer; nonce: string },
    signal: AbortSignal,
  ): Promise<{ bytes: Uint8Array; timeMillis: number }> {
    const bytes = await readBody(answer, { maximumBytes: MAXIMUM_ANSWER_BYTES, signal });
    return { bytes, timeMillis: verified({ answer, nonce }, sha256Hex(bytes)) };
  }

  /** @returns the coordinator's time when it signed. */
  function verified({ answer, nonce }: { answer: ExchangeAnswer; nonce: string }, bodyHash: Sha256Hex): number {
    try {
      const { timeMillis } = verifyAnswer(answer.headers, {
        status: answer.status,
        bodyHash,
        requestNonce: nonce,
        signingKey: coordinator.signingKey,
      });
      if (Math.abs(timeMillis - nowMillis()) <= MAXIMUM_CLOCK_OFFSET_MILLIS) {
        told = { timeMillis, atMillis: performance.now() };
      }
      return timeMillis;
    } catch (error) {
      if (!(error instanceof SignatureRefusedError)) throw error;
      if (isTransient(answer.status)) throw comeBackLater(answer.status, answer.headers);
      throw new UntrustedAnswerError(
        `Cannot believe the answer (status ${answer.status}, ${error.code}): it is not signed by the coordinator that this site joined. ` +
          'Something else may answer at its address, or a proxy may have changed the answer.',
      );
    }
  }

  function refusal(answer: ExchangeAnswer, bytes: Uint8Array): Error {
    if (isTransient(answer.status)) return comeBackLater(answer.status, answer.headers);
    const problem = Problem.safeParse(parseJson(bytes));
    if (!problem.success) {
      return new UnintelligibleAnswerError(
        `Cannot understand the coordinator's refusal (status ${answer.status}). Check that both sides run compatible versions.`,
      );
    }
    const { code, message, leastSequence } = problem.data;
    return new CoordinatorRefusedError({ status: answer.status, code, explanation: printable(message), leastSequence });
  }

  /** Sends; when the clocks differ too much, once more with the coordinator's time; when the numbers do, above its own. */
  async function sendInTime(
    request: SignedRequest,
    accepted: (status: number) => boolean,
  ): Promise<{ answer: ExchangeAnswer; nonce: string }> {
    const corrected = { clock: false, sequence: false };
    for (;;) {
      const sent = await send(request);
      if (accepted(sent.answer.status)) return sent;
      const { bytes, timeMillis } = await readVerified(sent, request.signal);
      const error = refusal(sent.answer, bytes);
      if (!(error instanceof CoordinatorRefusedError)) throw error;
      if (sequence !== null && error.leastSequence !== undefined && !corrected.sequence) {
        corrected.sequence = true;
        if (sequence.goOnFrom(error.leastSequence)) options.onSequenceBehind?.();
        continue;
      }
      const offset = timeMillis - nowMillis();
      const isTooFar = Math.abs(offset) > MAXIMUM_CLOCK_OFFSET_MILLIS;
      if (error.code !== 'clock-skew' || corrected.clock || isTooFar) throw error;
      corrected.clock = true;
      clockOffsetMillis = offset;
      options.onClockDifference?.(offset);
    }
  }

  return {
    async ask(request, schema, { onHeaders } = {}) {
      const sent = await sendInTime(request, (status) => status === 200);
      const { bytes } = await readVerified(sent, request.signal);
      const parsed = schema.safeParse(parseJson(bytes));
      if (parsed.success) {
        onHeaders?.(sent.answer.headers);
        return parsed.data;
      }
      const where = parsed.error.issues[0]?.path.map(String).join('.') || 'its top level';
      throw new UnintelligibleAnswerError(
        `Cannot understand the coordinator's answer: unexpected content at ${printable(where)}. Check that both sides run compatible versions.`,
      );
    },
    async open(request, accepted) {
      return (await sendInTime(request, (status) => accepted.includes(status))).answer;
    },
    async uploadState(request, accepted) {
      const sent = await sendInTime(request, (status) => accepted.includes(status));
      const { answer } = sent;
      const bytes = await readBody(answer, { maximumBytes: MAXIMUM_ANSWER_BYTES, signal: request.signal });
      const state = bytes.length === 0 ? readUploadState(answer.headers) : null;
      verified(sent, state === null ? sha256Hex(bytes) : uploadStatementHash(state));
      if (state !== null) return state;
      throw new UnintelligibleAnswerError(
        "Cannot understand the coordinator's answer: it does not say where the upload stands. Check that both sides run compatible versions.",
      );
    },
    sign: (request) => signatureOf({ ...request, bodyHash: EMPTY_HASH }),
    coordinatorMillis: () =>
      told === null ? nowMillis() : Math.round(told.timeMillis + performance.now() - told.atMillis),
  };
}
