/** Tasks that were not measured for the same reason at the same sites, as one line instead of one per site and task. */
import type { Report } from './report-schema.ts';

export interface SkippedGroup {
  readonly reason: string;
  readonly sites: readonly string[];
  readonly tasks: readonly string[];
}

export function groupSkipped(skipped: Report['skipped']): SkippedGroup[] {
  const sitesOf = new Map<string, { reason: string; task: string; sites: Set<string> }>();
  for (const { site, task, reason } of skipped) {
    const key = `${reason} ${task}`;
    const known = sitesOf.get(key) ?? { reason, task, sites: new Set<string>() };
    known.sites.add(site);
    sitesOf.set(key, known);
  }
  const groups = new Map<string, { reason: string; sites: string[]; tasks: string[] }>();
  for (const { reason, task, sites } of sitesOf.values()) {
    const ordered = [...sites].sort();
    const key = `${reason} ${ordered.join(' ')}`;
    const known = groups.get(key) ?? { reason, sites: ordered, tasks: [] };
    known.tasks.push(task);
    groups.set(key, known);
  }
  return [...groups.values()];
}
