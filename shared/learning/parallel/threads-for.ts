import type { Engine } from '../engine/open-engine.ts';

/** In how many threads work on so many tokens of a transformer is fastest: at most what the engine allows. */
export function threadsFor(
  { threads }: Engine,
  { tokens, tokensWorthAThread }: { readonly tokens: number; readonly tokensWorthAThread: number },
): number {
  return Math.max(1, Math.min(threads, Math.floor(tokens / tokensWorthAThread)));
}
