/** The site cannot do what it was asked to, for a reason that the coordinator may know; the study goes on without it. */
export class DeclineError extends Error {
  override readonly name = 'DeclineError';
  /** A closed code such as `too-few-patients`. */
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}
