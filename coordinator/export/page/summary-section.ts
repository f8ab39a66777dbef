/** The first screen: what was done, what it showed, what left the hospitals. */
import {
  formatBytes,
  formatCount,
  formatGain,
  formatList,
  formatMean,
  formatPlural,
  formatSeconds,
} from '../format-figure.ts';
import { reasonText } from '../reason-text.ts';
import type { OverallRow, Report } from '../report-schema.ts';
import { html, type Markup } from './markup.ts';

export function summarySection(report: Report): Markup {
  const { study, data, stages } = report;
  const sites = Object.keys(data);
  const patients = sum(Object.values(data).map((site) => site.patients));
  const slices = sum(Object.values(data).map((site) => site.slices));
  const rounds = sum(stages.map((stage) => stage.rounds.length));
  const incomplete = sum(stages.flatMap((stage) => stage.rounds.map(({ leftOut }) => (leftOut.length > 0 ? 1 : 0))));
  const bytes = sum(stages.flatMap((stage) => stage.rounds.flatMap(({ bytesSent }) => Object.values(bytesSent))));
  const quarantined = sum(Object.values(report.quarantine).flatMap((reasons) => Object.values(reasons)));
  const headline = report.overall.find(
    ({ protocol, representation }) => protocol === 'linear-probe' && representation === 'slices',
  );

  return html`<section id="summary" aria-labelledby="summary-heading">
<h2 id="summary-heading">In brief</h2>
${stateBanner(report)}
<dl class="tiles">
${headline?.federated ? tile('Federated slice encoder, AUC', formatMean(headline.federated), `linear probe, mean over ${formatPlural(headline.tasks, 'task')}`) : null}
${headline?.gainOverRandom ? tile('Gain over random start', formatGain(headline.gainOverRandom), headline.gainExceedsTwoErrors === true ? 'larger than two standard errors' : 'not larger than two standard errors') : null}
${tile('Hospitals, patients, slices', `${sites.length} · ${formatCount(patients)} · ${formatCount(slices)}`, `${formatCount(sum(Object.values(data).map(({ heldOut }) => heldOut)))} patients held out for these figures`)}
${tile('Sealed updates sent', formatBytes(bytes), `in ${formatPlural(rounds, 'round')}${study.wallSeconds === null ? '' : `, ${formatSeconds(study.wallSeconds)} in all`}`)}
</dl>
<ul>
<li>${sites.length === 0 ? 'No hospital took part.' : `${formatList(sites)} trained together without moving patient data.`}
${study.absent.map(({ site, reason }) => `${site} was invited and did not stay: ${reasonText(reason, 'left-out')}. `)}</li>
${headline === undefined ? null : html`<li>${resultSentence(headline)}</li>`}
<li>${rounds === 0 ? 'No round was finished.' : incomplete === 0 ? `Every hospital was in every one of the ${rounds} rounds.` : `In ${incomplete} of ${rounds} rounds a hospital was left out; the tables below say which and why.`}</li>
<li>${quarantined === 0 ? 'Nothing had to be set aside as unusable.' : `${formatPlural(quarantined, 'item')} of input could not be used and ${quarantined === 1 ? 'was' : 'were'} set aside, with a reason each.`}</li>
</ul>
<p class="note">“±” is one standard error throughout. AUC 0.5 is chance, 1 is perfect.</p>
</section>`;
}

function stateBanner({ study }: Report): Markup | null {
  switch (study.state) {
    case 'finished':
      return null;
    case 'failed':
      return html`<p class="banner" role="status"><strong>The study failed</strong>: ${reasonText(study.failure ?? 'no-reason-given', 'failure')} <code>${study.failure}</code>. What it had measured until then is below.</p>`;
    case 'aborted':
      return html`<p class="banner" role="status"><strong>The study was stopped</strong> by the coordinator’s administrator. What it had measured until then is below.</p>`;
    case 'running':
      return html`<p class="banner" role="status"><strong>The study is still running.</strong> This is what it has measured so far.</p>`;
    default:
      study.state satisfies never;
      return null;
  }
}

function resultSentence({ random, alone, federated, gainExceedsTwoErrors }: OverallRow): string {
  if (federated === null || random === null) return 'The federated encoder could not be compared with a random one.';
  const comparison = gainExceedsTwoErrors
    ? 'tells patients apart better than a random start, by more than two standard errors'
    : 'is not better than a random start by more than two standard errors, so this study does not show that it learned something useful for these tasks';
  const byItself = alone === null ? '' : ` Hospitals training alone reached ${formatMean(alone)} on average.`;
  return `The federated slice encoder ${comparison}: AUC ${formatMean(federated)} against ${formatMean(random)}.${byItself}`;
}

function tile(name: string, value: string, note: string): Markup {
  return html`<div class="tile"><dt>${name}</dt><dd>${value}<small>${note}</small></dd></div>`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
