/** Why the demo cannot go on, written for the person who started it: shown as it is, without a stack. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}
