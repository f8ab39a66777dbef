/** A request that is refused, for a reason that has a name. The edge turns it into a Problem, the command line into a sentence. */
export class RefusalError extends Error {
  override readonly name = 'RefusalError';
  /** Stable, for programs. */
  readonly code: string;
  /** HTTP status. */
  readonly status: number;

  constructor(code: string, options: { readonly status: number; readonly message: string }) {
    super(options.message);
    this.code = code;
    this.status = options.status;
  }
}
