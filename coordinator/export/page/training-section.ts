/** How training went: loss per site and round, who was in each round, what was sent. */
import { formatBytes, formatCount, formatPlural, formatSeconds } from '../format-figure.ts';
import { reasonText } from '../reason-text.ts';
import type { Report, ReportRound, ReportStage } from '../report-schema.ts';
import { lossChart } from './loss-chart.ts';
import { html, type Markup } from './markup.ts';
import { table } from './table.ts';

const stageNames: Readonly<Record<ReportStage['kind'], string>> = {
  'slice-pretraining': 'slice pretraining (SimCLR)',
  alignment: 'cross-modal alignment (InfoNCE)',
};

export function trainingSection(report: Report): Markup {
  const sites = Object.keys(report.data);
  return html`<section id="training" aria-labelledby="training-heading">
<h2 id="training-heading">Training</h2>
<div class="charts">${report.stages.map((stage) => {
    const chart = lossChart(stage, sites);
    return chart === null
      ? null
      : html`<figure><figcaption>${stage.name} <span>${stageNames[stage.kind]}: loss per round</span></figcaption>${chart}</figure>`;
  })}</div>
${report.stages.map(
  (stage) =>
    html`${table(
      `${stage.name}: rounds`,
      [
        { heading: 'round' },
        { heading: 'in the sum' },
        { heading: 'left out' },
        ...sites.map((site) => ({ heading: `loss, ${site}`, numeric: true })),
        { heading: 'time', numeric: true },
        { heading: 'model after it' },
      ],
      stage.rounds.map((round) => ({
        cells: [
          String(round.round),
          participants(round, sites),
          leftOut(round),
          ...sites.map((site) => round.loss[site]?.toFixed(3) ?? '–'),
          formatSeconds(round.seconds),
          html`<span class="hash" title="${round.modelHash}">${round.modelHash.slice(0, 12)}</span>`,
        ],
      })),
    )}`,
)}
${enginesTable(report)}
</section>`;
}

export function trafficSection(report: Report): Markup {
  const sites = Object.keys(report.data);
  const rounds = report.stages.flatMap((stage) => stage.rounds.map((round) => ({ stage: stage.name, round })));
  const total = (site: string) => rounds.reduce((sum, { round }) => sum + (round.bytesSent[site] ?? 0), 0);
  return html`<section id="traffic" aria-labelledby="traffic-heading">
<h2 id="traffic-heading">What left each hospital</h2>
<p>One sealed update per round: the differences of the travelling weights as clipped whole numbers, ${report.protection.mode === 'secure-aggregation' ? 'masked so that only the sum over all hospitals shows, and ' : null}encrypted to the
coordinator’s key. Beside it: counts of patients, series, slices and set-aside items, ${report.protection.privacy == null ? 'training loss, ' : null}speed and the metrics in this report.
No image, table cell, identifier, file path or free text. The first layer of the clinical and expression encoders, which knows a
hospital’s own columns, stayed there.</p>
${table(
  'Bytes of sealed updates, per hospital and round',
  [{ heading: 'round' }, ...sites.map((site) => ({ heading: site, numeric: true }))],
  [
    ...rounds.map(({ stage, round }) => ({
      cells: [
        `${stage}, ${round.round}`,
        ...sites.map((site) => (round.bytesSent[site] === undefined ? '–' : formatBytes(round.bytesSent[site]))),
      ],
    })),
    { cells: ['all rounds', ...sites.map((site) => formatBytes(total(site)))], emphasis: true },
  ],
)}
</section>`;
}

function participants({ participants: present }: ReportRound, sites: readonly string[]): string {
  if (present.length === sites.length && present.length > 1) return `all ${present.length}`;
  return present.length === 0 ? 'none' : present.join(', ');
}

function leftOut({ leftOut: absent, failure }: ReportRound): string {
  const reasons = absent.map(({ site, reason }) => `${site}: ${reasonText(reason, 'left-out')}`);
  if (failure !== null) reasons.push(`the round has no result: ${reasonText(failure, 'failure')}`);
  return reasons.length === 0 ? 'nobody' : reasons.join('; ');
}

function enginesTable(report: Report): Markup {
  const { study, stages, data } = report;
  return table(
    'What each hospital trained on',
    [
      { heading: 'hospital' },
      { heading: 'engine' },
      { heading: 'rounds taken part in', numeric: true },
      { heading: 'samples, repeats counted', numeric: true },
      { heading: 'time training', numeric: true },
    ],
    Object.keys(data).map((site) => {
      const rounds = stages.flatMap((stage) => stage.rounds).filter((round) => round.participants.includes(site));
      const sum = (pick: (round: ReportRound) => number) => rounds.reduce((total, round) => total + pick(round), 0);
      return {
        cells: [
          site,
          `${study.engine[site] ?? '–'}: ${study.engineDescription[site] ?? ''}`,
          formatPlural(rounds.length, 'round'),
          // Under differential privacy sites do not tell how many.
          report.protection.privacy == null ? formatCount(sum((round) => round.samples[site] ?? 0)) : '–',
          formatSeconds(sum((round) => round.trainingSeconds[site] ?? 0)),
        ],
      };
    }),
  );
}
