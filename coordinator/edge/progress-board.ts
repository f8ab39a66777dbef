/** The last thing each site said about itself. For people watching: in memory only, gone with a restart. */
import type { Progress } from '@wardround/protocols/session/messages.ts';

export interface ProgressBoard {
  note(site: string, progress: Progress): void;
  of(site: string): { readonly progress: Progress; readonly atMillis: number } | null;
}

export function createProgressBoard(now: () => number): ProgressBoard {
  const latest = new Map<string, { readonly progress: Progress; readonly atMillis: number }>();
  return {
    note: (site, progress) => void latest.set(site, { progress, atMillis: now() }),
    of: (site) => latest.get(site) ?? null,
  };
}
