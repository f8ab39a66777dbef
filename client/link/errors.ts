/** What can go wrong between a site and its coordinator, one class for each thing a caller does about it. */

/** No usable answer came: ask again later. */
export class CoordinatorUnreachableError extends Error {
  override readonly name = 'CoordinatorUnreachableError';
  /** How long the other side asked to be left alone, when it said so. */
  readonly retryAfterMillis: number | null;

  constructor(message: string, { retryAfterMillis = null }: { retryAfterMillis?: number | null } = {}) {
    super(message);
    this.retryAfterMillis = retryAfterMillis;
  }
}

/** The coordinator itself said no: asking again would change nothing. */
export class CoordinatorRefusedError extends Error {
  override readonly name = 'CoordinatorRefusedError';
  readonly status: number;
  /** The stable reason code of the refusal. */
  readonly code: string;
  /** With a refused sequence number: where the numbers go on. */
  readonly leastSequence: number | undefined;

  constructor(refusal: { status: number; code: string; explanation: string; leastSequence?: number | undefined }) {
    const { status, code, explanation } = refusal;
    super(`The coordinator refused (${code}): ${explanation}`);
    this.status = status;
    this.code = code;
    this.leastSequence = refusal.leastSequence;
  }
}

/** An answer that does not carry the pinned coordinator's signature, or whose bytes are not what they are named after. */
export class UntrustedAnswerError extends Error {
  override readonly name = 'UntrustedAnswerError';
}

/** The coordinator's own answer, but not one this client understands. */
export class UnintelligibleAnswerError extends Error {
  override readonly name = 'UnintelligibleAnswerError';
}

/** This site's own disk is full: what was fetched stays, and the rest is fetched when there is room. */
export class DiskFullError extends Error {
  override readonly name = 'DiskFullError';
}
