import type { Engine } from '../engine/open-engine.ts';

/** In how many threads work on so many tokens of a transformer is fastest: at most what the engine allows. */
export function threadsFor(
  { threads }: Engine,
  { tokens, tokensWorthAThread }: { readonly tokens: number; readonly tokensWorthAThread: number },
): number {
  return Math.max(1, Math.min(threads, Math.floor(tokens / tokensWorthAThread)));
}

/** How many threads the engine of each of so many members may compute in, so that together they keep to the engine's. */
export function threadsOfMember({ threads }: Engine, members: number): number {
  return Math.max(1, Math.floor(threads / members));
}
