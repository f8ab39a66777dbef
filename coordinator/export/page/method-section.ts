/** The settings everything followed from, and the limits a reader has to know. */
import { formatCount, formatPlural, formatSeconds } from '../format-figure.ts';
import type { Report } from '../report-schema.ts';
import { html, type Markup } from './markup.ts';
import { table } from './table.ts';

export function methodSection({ study, stages, protection, ledgers, versions }: Report): Markup {
  const { secureAggregation: secured, privacy } = protection;
  const notOn = [
    ...(secured === undefined
      ? [
          'secure aggregation (the coordinator can open a single hospital’s update, which it does only in memory while adding it)',
        ]
      : []),
    ...(privacy === undefined ? ['differential privacy'] : []),
  ];
  return html`<section id="protection" aria-labelledby="protection-heading">
<h2 id="protection-heading">Protection and limits</h2>
<ul>
<li><strong>On:</strong> every request was signed by the hospital’s own key; every update was encrypted to the coordinator’s key; each
coordinate of an update was clipped to ±${protection.clip}; figures on fewer than ${protection.minimumPatients} patients were withheld.</li>
${secured === undefined ? null : html`<li><strong>On:</strong> secure aggregation: the coordinator added masked updates and saw their sum alone. To open one hospital’s update at least ${secured.lowestThreshold} of ${secured.fewestSites} hospitals would have had to act together with it. ${secured.dropOuts} drop-outs, ${secured.abortedSessions} sessions begun again.</li>`}
${privacy === undefined ? null : html`<li><strong>On:</strong> differential privacy at the hospitals, at a delta of ${privacy.delta}: all planned rounds together spend an epsilon of ${formatEpsilon(privacy.projectedEpsilon)} of each hospital’s patients. Scores and counts are not covered. What each has spent stands below.</li>`}
${notOn.length === 0 ? null : html`<li><strong>Not on:</strong> ${notOn.join(' and ')}.</li>`}
<li>Updates and the published weights can reveal something about training data.</li>
<li>A small study on one split: the standard errors describe the held-out patients, not what another seed or another hospital would give.</li>
<li>Research software, not a medical device. Nothing here is meant for the care of a patient.</li>
</ul>
<dl class="facts">
<dt>plan hash, approved by each hospital</dt><dd class="hash">${study.hash}</dd>
<dt>launched</dt><dd>${study.launchedAt}</dd>
<dt>ended</dt><dd>${study.endedAt ?? 'not yet'}${study.wallSeconds === null ? null : `, after ${formatSeconds(study.wallSeconds)}`}</dd>
${stages.map(
  ({
    name,
    initialModelHash,
    finalModelHash,
  }) => html`<dt>${name}: weights at the start</dt><dd class="hash">${initialModelHash}</dd>
<dt>${name}: weights at the end</dt><dd class="hash">${finalModelHash ?? 'not finished'}</dd>`,
)}
<dt>protection mode</dt><dd><code>${protection.mode}</code></dd>
<dt>software</dt><dd>Wardround ${versions.wardround}, Node ${versions.node}</dd>
</dl>
${privacy === undefined ? null : privacyTable(privacy)}
${ledgers === undefined ? null : ledgerTable(ledgers)}
</section>`;
}

function formatEpsilon(epsilon: number): string {
  return epsilon.toFixed(2);
}

function privacyTable({ spent, projectedEpsilon }: NonNullable<Report['protection']['privacy']>): Markup {
  return table(
    `Epsilon that each hospital’s patients have spent on this study, of ${formatEpsilon(projectedEpsilon)} planned for all stages together`,
    [
      { heading: 'hospital' },
      { heading: 'stage' },
      { heading: 'rounds trained', numeric: true },
      { heading: 'epsilon', numeric: true },
    ],
    spent.map(({ site, stage, rounds, epsilon }) => ({
      cells: [site, stage, formatCount(rounds), formatEpsilon(epsilon)],
    })),
  );
}

function ledgerTable({ coordinatorLog, sites }: NonNullable<Report['ledgers']>): Markup {
  const row = (owner: string, ledger: string, { records, hash }: { records: number; hash: string }) => ({
    cells: [owner, ledger, formatCount(records), html`<span class="hash">${hash.slice(0, 16)}</span>`],
  });
  return html`<h3>Ledgers</h3>
<p>Their heads when this report was made, so that later audits can be held against it; <code>report.json</code> has the whole hashes.
The coordinator’s log stands as ${formatPlural(coordinatorLog.cosignatures, 'hospital')} cosigned it.</p>
${table(
  'Each ledger’s records and the beginning of its last hash',
  [{ heading: 'whose' }, { heading: 'ledger' }, { heading: 'records', numeric: true }, { heading: 'head' }],
  [
    row('coordinator', 'log of the study', { records: coordinatorLog.records, hash: coordinatorLog.root }),
    ...sites.flatMap(({ site, egress, privacy }) => [
      ...(egress === null ? [] : [row(site, 'what left it', egress)]),
      ...(privacy === null ? [] : [row(site, 'privacy spent', privacy)]),
    ]),
  ],
)}`;
}
