/** Progress as a screenful for a terminal: one bar per site. Pure: a snapshot and a width give lines, none wider than it. */
import {
  activityNames,
  placeText,
  type SiteProgress,
  type StudyProgress,
  shortTime,
  siteFigures,
} from './study-progress.ts';

export interface ScreenOptions {
  readonly columns: number;
  readonly colour: boolean;
}

export function progressBars(progress: StudyProgress, { columns, colour }: ScreenOptions): string[] {
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const heading = `${placeText(progress)}, ${shortTime(progress.elapsedSeconds)} so far`;
  const nameWidth = Math.min(24, Math.max(4, ...progress.sites.map(({ site }) => site.length)));
  const activityWidth = Math.max(...Object.values(activityNames).map((name) => name.length));
  const barWidth = Math.max(6, Math.min(28, columns - nameWidth - activityWidth - 50));
  const rows = progress.sites.map((site) => {
    const name = cut(site.site, nameWidth).padEnd(nameWidth);
    if (site.leftOut !== null) {
      return [
        { text: name, code: 1 },
        { text: `  left out of this round: ${site.leftOut}`, code: 33 },
      ];
    }
    if (site.said === null)
      return [
        { text: name, code: 1 },
        { text: '  starting', code: 2 },
      ];
    return [
      { text: name, code: 1 },
      { text: `  ${activityNames[site.said.activity].padEnd(activityWidth)}  `, code: 0 },
      { text: bar(site, barWidth), code: 36 },
      { text: `  ${siteFigures(site, progress.place).join('  ')}`, code: 0 },
    ];
  });
  return [
    paint(1, cut(heading, columns)),
    ...rows.map((parts) => {
      let left = columns;
      return parts
        .map(({ text, code }) => {
          const shown = text.slice(0, left);
          left -= shown.length;
          return code === 0 || shown === '' ? shown : paint(code, shown);
        })
        .join('')
        .trimEnd();
    }),
  ];
}

function bar({ said }: SiteProgress, width: number): string {
  if (said === null || said.total === 0) return '·'.repeat(width);
  const full = Math.round((Math.min(said.done, said.total) / said.total) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
