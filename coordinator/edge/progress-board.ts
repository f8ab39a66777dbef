/** What each site said about itself last, and when it was heard. For people watching: in memory only, gone with a restart. */
import type { Progress } from '@wardround/protocols/session/messages.ts';

export interface ProgressBoard {
  note(site: string, progress: Progress): void;
  of(site: string): Sighting | null;
  /** The site has shown that it is there, by a signed request of any kind. */
  hear(site: string): void;
  heardMillis(site: string): number | null;
  /** Whether the last thing the site said about that study is that it waits for a person or for its hours. */
  isWaiting(site: string, study: string): boolean;
}

export interface Sighting {
  readonly progress: Progress;
  readonly atMillis: number;
  /** Since when it has been at this, as far as was said. */
  readonly sinceMillis: number;
}

/** A site that names ever new studies is forgotten the oldest of them. */
const MOST_WAITING = 100;

export function createProgressBoard(now: () => number): ProgressBoard {
  const latest = new Map<string, Sighting>();
  const heard = new Map<string, number>();
  const waiting = new Map<string, Set<string>>();
  return {
    note(site, progress) {
      const atMillis = now();
      const before = latest.get(site);
      const isSame = before !== undefined && activityKey(before.progress) === activityKey(progress);
      latest.set(site, { progress, atMillis, sinceMillis: isSame ? before.sinceMillis : atMillis });
      heard.set(site, atMillis);
      const studies = waiting.get(site) ?? new Set();
      studies.delete(progress.study);
      if (progress.activity === 'waiting') studies.add(progress.study);
      for (const oldest of [...studies].slice(0, -MOST_WAITING)) studies.delete(oldest);
      waiting.set(site, studies);
    },
    of: (site) => latest.get(site) ?? null,
    hear: (site) => void heard.set(site, now()),
    heardMillis: (site) => heard.get(site) ?? null,
    isWaiting: (site, study) => waiting.get(site)?.has(study) === true,
  };
}

function activityKey({ study, activity, stage, round }: Progress): string {
  return [study, activity, stage, round].join(' ');
}
