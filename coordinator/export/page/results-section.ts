/** What the encoders are worth on patients they never saw: linear probe, few-shot, retrieval, and each site's own figures. */
import { formatCount, formatMean, formatShare } from '../format-figure.ts';
import { groupSkipped } from '../group-skipped.ts';
import { reasonText } from '../reason-text.ts';
import type { ComparisonRow, Report, RetrievalRow, SiteEvaluationRow } from '../report-schema.ts';
import { aucChart } from './auc-chart.ts';
import { comparisonTable, representationName } from './comparison-table.ts';
import { html, type Markup } from './markup.ts';
import { table } from './table.ts';

const pairNames: Readonly<Record<RetrievalRow['pair'], string>> = {
  'ct-clinical': 'CT → clinical',
  'ct-expression': 'CT → expression',
  'clinical-expression': 'clinical → expression',
};

const representations: readonly ComparisonRow['representation'][] = ['slices', 'patient'];

export function resultsSection(report: Report): Markup {
  const linear = report.comparison.filter(({ protocol }) => protocol === 'linear-probe');
  const tasks = [...new Set(report.comparison.map(({ task }) => task))];
  // Rows of one task and representation together, so that the eye follows k.
  const fewShot = report.comparison
    .filter(({ protocol }) => protocol === 'few-shot')
    .sort(
      (a, b) =>
        tasks.indexOf(a.task) - tasks.indexOf(b.task) ||
        representations.indexOf(a.representation) - representations.indexOf(b.representation) ||
        (a.k ?? 0) - (b.k ?? 0),
    );
  const chart = aucChart(linear);
  return html`<section id="results" aria-labelledby="results-heading">
<h2 id="results-heading">Results on held-out patients</h2>
<p>Each hospital set ${Math.round(100 * report.method.heldOutFraction)} % of its patients aside before training, by patient and drawn from the plan’s
seed, and measured every encoder on them. Only metrics and counts left the hospital, and only where at least
${report.protection.minimumPatients} patients were scored. “Slice mean” is the average of a patient’s slice embeddings; “pooled
patient” is the attention-pooled embedding of the alignment stage.</p>
${chart === null ? html`<p>No task could be measured.</p>` : html`<figure><figcaption>Linear probe <span>AUC, one standard error to each side</span></figcaption>${chart}</figure>`}
${linear.length === 0 ? null : comparisonTable('Linear probe: AUC of a logistic regression on frozen embeddings', linear, { overall: report.overall.filter(({ protocol, tasks }) => protocol === 'linear-probe' && tasks > 1) })}
${fewShot.length === 0 ? null : comparisonTable(`Few-shot: AUC with k labelled patients per class, ${report.method.fewShotSeeds} random draws of them; errors over these draws`, fewShot)}
${retrievalTable(report.retrieval)}
${skippedTable(report)}
<details><summary>Each hospital’s own figures</summary>
${siteTable(report)}
</details>
<h3>How to read the figures</h3>
<ul class="note">
<li>Standard errors, ${report.method.errors}.</li>
<li>Over hospitals: ${report.method.combination}.</li>
<li>Over tasks: ${report.method.overall}.</li>
<li>“Each site alone, mean” combines in the same way the encoders that hospitals trained without each other, from the same start and
for as many steps, each measured at home.</li>
<li>“Over 2 SE” says whether the gain of the federated encoder over the random one, on the same patients, is larger than two of its
standard errors.</li>
</ul>
</section>`;
}

function retrievalTable(rows: readonly RetrievalRow[]): Markup | null {
  if (rows.length === 0) return null;
  return table(
    'Cross-modal retrieval: how often the right patient is first, or among the first five, when one modality is used to find the other',
    [
      { heading: 'pair' },
      { heading: 'encoder' },
      { heading: 'recall@1', numeric: true },
      { heading: 'chance@1', numeric: true },
      { heading: 'recall@5', numeric: true },
      { heading: 'chance@5', numeric: true },
      { heading: 'patients', numeric: true },
    ],
    rows.map((row) => ({
      cells: [
        pairNames[row.pair],
        row.encoder === 'federated' ? 'federated' : `${row.encoder.replace('site:', '')} alone`,
        formatShare(row.recallAt1),
        formatShare(row.chanceAt1),
        formatShare(row.recallAt5),
        formatShare(row.chanceAt5),
        formatCount(row.patients),
      ],
      emphasis: row.encoder === 'federated',
    })),
  );
}

function skippedTable({ skipped, evaluationLeftOut }: Report): Markup | null {
  const rows = [
    ...groupSkipped(skipped).map(({ sites, tasks, reason }) => ({
      cells: [sites.join(', '), tasks.join(', '), reasonText(reason, 'not-measured')],
    })),
    ...evaluationLeftOut.map(({ site, reason }) => ({ cells: [site, 'all', reasonText(reason, 'left-out')] })),
  ];
  if (rows.length === 0) return null;
  return table(
    'Not measured, and therefore not in the figures above',
    [{ heading: 'hospital' }, { heading: 'what' }, { heading: 'why' }],
    rows,
  );
}

function siteTable({ evaluationBySite }: Report): Markup {
  const places = new Map<string, SiteEvaluationRow[]>();
  for (const row of evaluationBySite) {
    const key = JSON.stringify([row.site, row.task, row.k, row.representation]);
    places.set(key, [...(places.get(key) ?? []), row]);
  }
  return table(
    'AUC at each hospital, on its own held-out patients',
    [
      { heading: 'hospital' },
      { heading: 'task' },
      { heading: 'protocol' },
      { heading: 'representation' },
      { heading: 'random', numeric: true },
      { heading: 'alone', numeric: true },
      { heading: 'federated', numeric: true },
      { heading: 'patients', numeric: true },
    ],
    [...places.values()].map((rows) => {
      const { site, task, k, representation, patients } = rows[0]!;
      const auc = (encoder: SiteEvaluationRow['encoder']) =>
        formatMean(rows.find((row) => row.encoder === encoder)?.auc ?? null);
      return {
        cells: [
          site,
          task,
          k === null ? 'linear probe' : `few-shot, k = ${k}`,
          representationName(representation),
          auc('random'),
          auc('alone'),
          auc('federated'),
          formatCount(patients),
        ],
      };
    }),
  );
}
