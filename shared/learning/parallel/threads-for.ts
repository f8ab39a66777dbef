import type { Engine } from '../engine/open-engine.ts';

/** Fewer tokens than this take a thread less time than it costs to feed it its own copy of the model. */
const tokensWorthAThread = 512;

/** In how many threads a step over so many tokens of a transformer is fastest: at most what the engine allows. */
export function threadsFor({ threads }: Engine, { tokens }: { readonly tokens: number }): number {
  return Math.max(1, Math.min(threads, Math.floor(tokens / tokensWorthAThread)));
}
