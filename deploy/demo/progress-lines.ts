/**
 * Progress as plain lines, for logs and pipes: a line when the study moves on, a line when a site does something new, and
 * otherwise at most one line per site in `intervalMillis`. Pure: memory goes in and comes out.
 */
import { activityNames, placeText, type StudyProgress, shortTime, siteFigures } from './study-progress.ts';

export interface LineMemory {
  readonly place: string;
  /** Per site: what it was last shown doing, with what figures, and when. */
  readonly shown: Readonly<
    Record<string, { readonly doing: string; readonly line: string; readonly atMillis: number }>
  >;
}

/** A new activity may be told sooner than new figures of an old one. */
const newsMillis = 2000;

export const emptyLineMemory: LineMemory = { place: '', shown: {} };

export function progressLines(
  memory: LineMemory,
  progress: StudyProgress,
  { nowMillis, intervalMillis = 10_000 }: { nowMillis: number; intervalMillis?: number },
): { memory: LineMemory; lines: string[] } {
  const lines: string[] = [];
  // Between two rounds there is nothing to say that the next round will not say better.
  const place = progress.phase === 'training' && progress.place === null ? memory.place : placeText(progress);
  if (place !== memory.place) lines.push(`[${shortTime(progress.elapsedSeconds)}] ${place}`);

  const shown = { ...memory.shown };
  const nameWidth = Math.max(0, ...progress.sites.map(({ site }) => site.length));
  for (const site of progress.sites) {
    const doing =
      site.leftOut !== null
        ? `left out of this round: ${site.leftOut}`
        : site.said === null
          ? null
          : activityNames[site.said.activity];
    if (doing === null) continue;
    const before = shown[site.site];
    const line = `  ${site.site.padEnd(nameWidth)}  ${[doing, ...(site.leftOut === null ? siteFigures(site, progress.place) : [])].join('  ')}`;
    // Waiting is what every site does between two steps: not news.
    const news = before?.doing !== doing && site.said?.activity !== 'waiting';
    const passedMillis = before === undefined ? Number.POSITIVE_INFINITY : nowMillis - before.atMillis;
    const urgent = site.leftOut !== null && before?.doing !== doing;
    const changed = line !== before?.line && site.said?.activity !== 'waiting';
    if (!(urgent || (news && passedMillis >= newsMillis) || (changed && passedMillis >= intervalMillis))) continue;
    lines.push(line);
    shown[site.site] = { doing, line, atMillis: nowMillis };
  }
  return { memory: { place, shown }, lines };
}
