import { meaningOf, type QuarantineReason } from './reasons.ts';

/** Something cannot be used, for a reason from the closed list. Its message is the reason's sentence and nothing else. */
export class UnusableError extends Error {
  readonly reason: QuarantineReason;

  constructor(reason: QuarantineReason) {
    super(meaningOf(reason));
    this.name = 'UnusableError';
    this.reason = reason;
  }
}
