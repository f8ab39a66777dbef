/** The benchmark was asked for something that it does not have. The message is for people. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}
