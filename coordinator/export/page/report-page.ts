/** `report.html`: one file that needs no network, no script and no other file, in light and dark, for screen and paper. */
import type { Report } from '../report-schema.ts';
import { dataSection } from './data-section.ts';
import { html } from './markup.ts';
import { methodSection } from './method-section.ts';
import { resultsSection } from './results-section.ts';
import { style } from './style.ts';
import { summarySection } from './summary-section.ts';
import { trafficSection, trainingSection } from './training-section.ts';

export function reportPage(report: Report): string {
  const { study } = report;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="referrer" content="no-referrer">
<title>${study.name}: Wardround study report</title>
<link rel="icon" href="data:,">
<style>${{ markup: style }}</style>
</head>
<body>
<header>
<p class="kicker">Wardround study report</p>
<h1>${study.name}</h1>
${study.description === '' ? null : html`<p>${study.description}</p>`}
<p class="soft">${study.endedAt === null ? 'launched' : study.state} ${readableTime(study.endedAt ?? study.launchedAt)} · plan <span class="hash" title="${study.hash}">${study.hash.slice(0, 12)}</span></p>
<nav aria-label="Sections"><a href="#summary">In brief</a><a href="#results">Results</a><a href="#training">Training</a><a href="#traffic">What left each hospital</a><a href="#data">Data</a><a href="#protection">Protection and limits</a></nav>
</header>
<main>
${summarySection(report)}
${resultsSection(report)}
${trainingSection(report)}
${trafficSection(report)}
${dataSection(report)}
${methodSection(report)}
</main>
<footer><div>The same numbers, for programs, are in <code>report.json</code>; the weights in the <code>.safetensors</code> files
beside it; how to load them in <code>model-card.md</code>.</div></footer>
</body>
</html>
`.markup;
}

function readableTime(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}
