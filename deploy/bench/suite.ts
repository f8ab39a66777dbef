export interface Suite {
  readonly description: string;
  /** The options, one a line, as `--help` shows them. */
  readonly optionLines: readonly string[];
  /**
   * @throws {BenchError} when the words are no options of the suite.
   * @throws the signal's reason when it is aborted; no process is left.
   */
  run(words: readonly string[], options: { readonly signal: AbortSignal }): Promise<void>;
}
