/** What the two trainers, engine and PyTorch, answer. */

/** The first answer, after the model is made and two steps have warmed it up. */
export type Ready =
  | { readonly ready: true; readonly description: string; readonly threads: number | null; readonly device: string }
  | { readonly ready: false; readonly reason: string };

/** The answer to `block SECONDS`: whole steps until so many seconds have passed. */
export interface Block {
  readonly slices: number;
  readonly seconds: number;
}

/** The answer to `memory`. */
export interface Memory {
  /** The most that lay in the computer's memory at a time. */
  readonly peakResidentBytes: number;
}
