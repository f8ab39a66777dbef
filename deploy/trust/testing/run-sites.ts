/** Lets the sites of a test work until it is over. */
import type { SessionSite } from './session-site.ts';

/** @returns what stops them, waits for what is under way and removes what they kept. */
export function runSites(sites: readonly SessionSite[]): () => Promise<void> {
  const stop = new AbortController();
  const runs = sites.map((site) => site.run(stop.signal));
  return async () => {
    stop.abort();
    await Promise.all(runs);
    for (const site of sites) await site.remove();
  };
}
