/** Looks at a study until it is over, and at the processes that run it. */
import { setTimeout as delay } from 'node:timers/promises';
import { reasonText } from '@wardround/coordinator/export/reason-text.ts';
import type { StudyStatus } from '@wardround/coordinator/rounds/study-status.ts';
import type { Consortium } from './consortium.ts';
import { DemoError } from './demo-error.ts';
import { type Child, endText } from './processes/children.ts';

export interface WatchOptions {
  readonly signal: AbortSignal;
  readonly onStatus: (status: StudyStatus) => void;
  /** Called once per site process that ended. */
  readonly onSiteLost: (site: Child) => void;
  readonly intervalMillis?: number;
}

/**
 * Resolves when the study has finished.
 *
 * @throws {DemoError} when it failed, or when nobody is left to finish it.
 */
export async function watchStudy(
  consortium: Pick<Consortium, 'coordinator' | 'sites' | 'status'>,
  study: string,
  { signal, onStatus, onSiteLost, intervalMillis = 400 }: WatchOptions,
): Promise<void> {
  const lost = new Set<Child>();
  while (true) {
    signal.throwIfAborted();
    const { coordinator } = consortium;
    if (coordinator.end !== null) throw new DemoError(lastWords('The coordinator', coordinator));
    const status = await consortium.status(study);
    for (const site of consortium.sites) {
      if (site.end === null || lost.has(site)) continue;
      lost.add(site);
      onSiteLost(site);
    }
    if (status !== null) {
      onStatus(status);
      if (status.phase === 'finished') return;
      if (status.phase === 'failed') {
        throw new DemoError(failureText(status, consortium.sites));
      }
      if (status.phase === 'aborted') throw new DemoError('The study was stopped by the coordinator’s administrator.');
    }
    if (lost.size === consortium.sites.length) throw new DemoError('The study cannot go on: no site is left.');
    await delay(intervalMillis, undefined, { signal });
  }
}

/** Why the study failed, which sites gave up and why, and what they said last that sounds like trouble. */
function failureText(status: StudyStatus, sites: readonly Child[]): string {
  const why = reasonText(status.reason ?? 'no-reason-given', 'failure');
  const declined = status.sites
    .filter(({ status: standing }) => standing !== 'ready')
    .map(({ site, reason }) => `  ${site}: ${reasonText(reason ?? 'no-answer', 'left-out')}`);
  const troubles = sites.flatMap(({ name, lastLines }) =>
    lastLines()
      .filter((line) => /^(warn|error|fatal) /.test(line))
      .slice(-4)
      .map((line) => `  ${name}: ${line}`),
  );
  return [`The study failed: ${why} (${status.reason}).`, ...declined, ...troubles].join('\n');
}

/** Who ended, how, and what it said last. */
export function lastWords(name: string, child: Child): string {
  const how = child.end === null ? 'still runs' : endText(child.end);
  const lines = child.lastLines().slice(-12);
  return [
    `${name} ${how}.`,
    ...(lines.length === 0 ? [] : ['Its last lines:', ...lines.map((line) => `  ${line}`)]),
  ].join('\n');
}
