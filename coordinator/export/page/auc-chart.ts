/** AUC of the three encoders per task with their standard errors, as inline SVG: the results table at a glance. */
import { formatMean } from '../format-figure.ts';
import type { ComparisonRow, MeanAndError } from '../report-schema.ts';
import { axisTicks } from './axis-ticks.ts';
import { html, type Markup } from './markup.ts';

const width = 960;
const plot = { left: 190, right: 930, top: 38 };
const rowHeight = 58;

const encoders = [
  { key: 'random', label: 'random initialisation' },
  { key: 'alone', label: 'each site alone, mean' },
  { key: 'federated', label: 'federated' },
] as const;

export function aucChart(rows: readonly ComparisonRow[]): Markup | null {
  const figures = rows.flatMap((row) => encoders.flatMap(({ key }) => row[key] ?? []));
  if (figures.length === 0) return null;
  const low = Math.min(0.45, ...figures.map(({ mean, standardError }) => mean - standardError));
  const range = { low: Math.max(0, Math.floor(low * 20) / 20), high: 1 };
  const bottom = plot.top + rows.length * rowHeight;
  const x = (auc: number) =>
    plot.left + ((clamp(auc, range) - range.low) / (range.high - range.low)) * (plot.right - plot.left);

  return html`<svg class="chart wide" viewBox="0 0 ${width} ${bottom + 44}" role="img" aria-label="AUC by task and encoder; the numbers are in the table below">
<title>AUC by task and encoder, with one standard error to each side</title>
${encoders.map(
  ({ key, label }, index) =>
    html`<g class="encoder-${key}">${mark(key, plot.left + 6 + index * 172, 12)}<text class="legend" x="${plot.left + 17 + index * 172}" y="16">${label}</text></g>`,
)}
${axisTicks(range.low, range.high, 6).map(
  (tick) => html`<line class="grid" x1="${round1(x(tick))}" x2="${round1(x(tick))}" y1="${plot.top}" y2="${bottom}"/>
<text class="tick" text-anchor="middle" x="${round1(x(tick))}" y="${bottom + 18}">${tick.toFixed(1)}</text>`,
)}
<line class="chance" x1="${round1(x(0.5))}" x2="${round1(x(0.5))}" y1="${plot.top}" y2="${bottom}"/>
<text class="tick" text-anchor="middle" x="${round1(x(0.5))}" y="${bottom + 35}">chance</text>
<text class="tick" text-anchor="middle" x="${(x(0.5) + plot.right) / 2}" y="${bottom + 35}">AUC on held-out patients</text>
${rows.map((row, index) => {
  const middle = plot.top + (index + 0.5) * rowHeight;
  return html`<text class="label" text-anchor="end" x="${plot.left - 14}" y="${middle - 2}">${shortened(row.task)}</text>
<text class="tick" text-anchor="end" x="${plot.left - 14}" y="${middle + 15}">${row.representation === 'slices' ? 'slice mean' : 'pooled patient'}</text>
${encoders.map(({ key }, position) => {
  const figure = row[key];
  return figure === null ? null : whisker(key, figure, { x, y: middle + (position - 1) * 16, task: row.task });
})}`;
})}
</svg>`;
}

function whisker(
  key: (typeof encoders)[number]['key'],
  figure: MeanAndError,
  { x, y, task }: { x: (auc: number) => number; y: number; task: string },
): Markup {
  const label = encoders.find((encoder) => encoder.key === key)?.label;
  const from = x(figure.mean - figure.standardError);
  const to = x(figure.mean + figure.standardError);
  return html`<g class="encoder-${key}"><title>${task}, ${label}: ${formatMean(figure)}</title>
<line class="whisker" x1="${round1(from)}" x2="${round1(to)}" y1="${y}" y2="${y}"/>${mark(key, round1(x(figure.mean)), y)}</g>`;
}

/** Shape as well as colour tells encoders apart. */
function mark(key: (typeof encoders)[number]['key'], x: number, y: number): Markup {
  switch (key) {
    case 'random':
      return html`<circle class="mark hollow" cx="${x}" cy="${y}" r="4.5"/>`;
    case 'alone':
      return html`<path class="mark" d="M${x} ${y - 6}l6 6l-6 6l-6 -6z"/>`;
    case 'federated':
      return html`<circle class="mark" cx="${x}" cy="${y}" r="5.5"/>`;
    default:
      key satisfies never;
      return html``;
  }
}

function clamp(value: number, { low, high }: { low: number; high: number }): number {
  return Math.min(high, Math.max(low, value));
}

function shortened(task: string): string {
  return task.length <= 24 ? task : `${task.slice(0, 23)}…`;
}

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}
