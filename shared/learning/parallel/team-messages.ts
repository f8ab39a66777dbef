/** What a team's members are given when they start, and what they say. */
export interface MemberData<Data> {
  /** From 0. */
  readonly member: number;
  readonly members: number;
  readonly barrier: SharedArrayBuffer;
  readonly timeoutMillis: number;
  readonly data: Data;
}

export type FromMember<Answer> =
  | { readonly answer: Answer }
  /** A sentence without data or paths, and the error itself. */
  | { readonly failed: string; readonly error: unknown };
