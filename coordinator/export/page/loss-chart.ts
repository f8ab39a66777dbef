/** The training loss of one stage, one line per site, as inline SVG. The same numbers stand in a table beneath it. */
import { reasonText } from '../reason-text.ts';
import type { ReportStage } from '../report-schema.ts';
import { axisTicks } from './axis-ticks.ts';
import { html, type Markup } from './markup.ts';
import { placeLabels } from './place-labels.ts';

const width = 520;
const height = 290;
const plot = { left: 48, right: 410, top: 16, bottom: 244 };

/**
 * @param sites all sites of the study, so that a site has the same colour in every chart
 */
export function lossChart(stage: ReportStage, sites: readonly string[]): Markup | null {
  const losses = stage.rounds.flatMap(({ loss }) => Object.values(loss)).filter((loss) => loss !== null);
  if (losses.length === 0) return null;
  const range = padded(Math.min(...losses), Math.max(...losses));
  const rounds = stage.rounds.length;
  const x = (round: number) =>
    rounds === 1
      ? (plot.left + plot.right) / 2
      : plot.left + 10 + ((round - 1) / (rounds - 1)) * (plot.right - plot.left - 20);
  const y = (loss: number) => plot.bottom - ((loss - range.low) / (range.high - range.low)) * (plot.bottom - plot.top);

  const series = sites.flatMap((site, index) => {
    const points = stage.rounds.flatMap(({ round, loss: { [site]: loss = null } }) =>
      loss === null ? [] : [{ round, loss }],
    );
    return points.length === 0 ? [] : [{ site, style: (index % 8) + 1, points }];
  });
  const labelPositions = placeLabels(
    series.map(({ points }) => y(points.at(-1)!.loss)),
    { spacing: 15, low: plot.top + 4, high: plot.bottom },
  );
  const title = `Training loss in the stage ${stage.name}, by round and site`;

  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}; the numbers are in the table below">
<title>${title}</title>
${axisTicks(range.low, range.high, 4).map(
  (
    tick,
  ) => html`<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${round1(y(tick))}" y2="${round1(y(tick))}"/>
<text class="tick" text-anchor="end" x="${plot.left - 8}" y="${round1(y(tick) + 4)}">${tick}</text>`,
)}
${roundTicks(rounds).map(
  (tick) => html`<text class="tick" text-anchor="middle" x="${round1(x(tick))}" y="${plot.bottom + 20}">${tick}</text>`,
)}
<line class="axis" x1="${plot.left}" x2="${plot.right}" y1="${plot.bottom}" y2="${plot.bottom}"/>
<text class="tick" text-anchor="middle" x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 38}">round</text>
${stage.rounds.flatMap(({ round, leftOut }) =>
  leftOut.map(({ site, reason }) => {
    const style = (Math.max(sites.indexOf(site), 0) % 8) + 1;
    return html`<text class="left-out site-${style}" text-anchor="middle" x="${round1(x(round))}" y="${plot.bottom - 5}">×<title>${site} was left out of round ${round}: ${reasonText(reason, 'left-out')}</title></text>`;
  }),
)}
${series.map(
  ({ site, style, points }, index) => html`<g class="site-${style}">
<path class="line" d="${linePath(points.map(({ round, loss }) => ({ round, x: x(round), y: y(loss) })))}"/>
${points.map(
  ({ round, loss }) =>
    html`<circle cx="${round1(x(round))}" cy="${round1(y(loss))}" r="3.5"><title>${site}, round ${round}: loss ${loss.toFixed(3)}</title></circle>`,
)}
<line class="leader" x1="${round1(x(points.at(-1)!.round) + 5)}" y1="${round1(y(points.at(-1)!.loss))}" x2="${plot.right + 8}" y2="${round1(labelPositions[index]!)}"/>
<text class="label" x="${plot.right + 12}" y="${round1(labelPositions[index]! + 4)}">${shortened(site)}</text>
</g>`,
)}
</svg>`;
}

/** A line breaks where a round is missing: no straight stroke over a round the site was not in. */
function linePath(points: readonly { round: number; x: number; y: number }[]): string {
  return points
    .map((point, index) => {
      const joined = index > 0 && points[index - 1]!.round === point.round - 1;
      return `${joined ? 'L' : 'M'}${round1(point.x)} ${round1(point.y)}`;
    })
    .join('');
}

function padded(low: number, high: number): { low: number; high: number } {
  const margin = high > low ? 0.08 * (high - low) : Math.max(0.05 * Math.abs(high), 0.05);
  return { low: low - margin, high: high + margin };
}

function roundTicks(rounds: number): number[] {
  if (rounds <= 12) return Array.from({ length: rounds }, (_, index) => index + 1);
  return axisTicks(1, rounds, 8);
}

function shortened(site: string): string {
  return site.length <= 14 ? site : `${site.slice(0, 13)}…`;
}

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}
