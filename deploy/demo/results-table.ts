/** The end of the demo on a terminal: what the encoders are worth, what data there was, what could not be used. */
import {
  formatBytes,
  formatCount,
  formatGain,
  formatList,
  formatMean,
  formatPlural,
  formatShare,
} from '@wardround/coordinator/export/format-figure.ts';
import { groupSkipped } from '@wardround/coordinator/export/group-skipped.ts';
import { reasonText } from '@wardround/coordinator/export/reason-text.ts';
import type {
  ComparisonRow,
  OverallRow,
  Report,
  SiteEvaluationRow,
} from '@wardround/coordinator/export/report-schema.ts';
import { type TextColumn, textTable } from './text-table.ts';

export function resultsTable(report: Report): string[] {
  if (report.comparison.length === 0) {
    return ['No task could be measured: no hospital had enough held-out patients of both classes.'];
  }
  const sections = (['slices', 'patient'] as const).flatMap((representation) => {
    const of = <Row extends { representation: string }>(rows: readonly Row[]) =>
      rows.filter((row) => row.representation === representation);
    return [
      linearProbeTable(of(report.comparison), of(report.overall)),
      fewShotTable(of(report.comparison)),
      siteTable(of(report.evaluationBySite)),
    ];
  });
  return [
    'AUC on held-out patients, ± one standard error (0.5 is chance)',
    ...[...sections, retrievalTable(report)].filter((lines) => lines.length > 0).flatMap((lines) => ['', ...lines]),
  ];
}

function titledTable(title: string, columns: readonly TextColumn[], rows: readonly (readonly string[])[]): string[] {
  return [title, ...textTable(columns, rows)];
}

const representationNames = { slices: 'slice means', patient: 'pooled patients' } as const;

function linearProbeTable(comparison: readonly ComparisonRow[], overall: readonly OverallRow[]): string[] {
  const rows = comparison.filter(({ protocol }) => protocol === 'linear-probe');
  if (rows.length === 0) return [];
  const means = overall.filter(({ protocol, tasks }) => protocol === 'linear-probe' && tasks > 1);
  return titledTable(
    `linear probe, ${representationNames[rows[0]!.representation]}`,
    [
      { heading: 'task' },
      { heading: 'random', numeric: true },
      { heading: 'each site alone', numeric: true },
      { heading: 'federated', numeric: true },
      { heading: 'gain over random', numeric: true },
      { heading: '> 2 SE' },
      { heading: 'patients', numeric: true },
    ],
    [...rows, ...means].map((row) => [
      'task' in row ? row.task : `mean over ${row.tasks} tasks`,
      formatMean(row.random),
      formatMean(row.alone),
      formatMean(row.federated),
      formatGain(row.gainOverRandom),
      row.gainExceedsTwoErrors === null ? '–' : row.gainExceedsTwoErrors ? 'yes' : 'no',
      'patients' in row ? formatCount(row.patients) : '',
    ]),
  );
}

const encoders = [
  { key: 'random', label: 'random' },
  { key: 'alone', label: 'each site alone' },
  { key: 'federated', label: 'federated' },
] as const;

/** One line per task and encoder, one column per number of labelled patients, so that the eye follows the learning curve. */
function fewShotTable(comparison: readonly ComparisonRow[]): string[] {
  const rows = comparison.filter(({ protocol }) => protocol === 'few-shot');
  if (rows.length === 0) return [];
  const shots = [...new Set(rows.map(({ k }) => k ?? 0))].sort((a, b) => a - b);
  const tasks = [...new Set(rows.map(({ task }) => task))];
  return titledTable(
    `few-shot, ${representationNames[rows[0]!.representation]}`,
    [
      { heading: 'task' },
      { heading: 'encoder' },
      ...shots.map((k) => ({ heading: `k = ${k}`, numeric: true })),
      { heading: 'patients', numeric: true },
    ],
    tasks.flatMap((task) =>
      encoders.map(({ key, label }, index) => {
        const measured = shots.map((k) => rows.find((row) => row.task === task && row.k === k));
        const patients = [...new Set(measured.flatMap((row) => (row === undefined ? [] : [row.patients])))];
        return [
          index === 0 ? task : '',
          label,
          ...measured.map((row) => formatMean(row?.[key] ?? null)),
          index === 0 ? patients.map(formatCount).join(', ') : '',
        ];
      }),
    ),
  );
}

/** What each hospital measured at home: there, and only there, its own encoder and the federation's meet on the same patients. */
function siteTable(evaluation: readonly SiteEvaluationRow[]): string[] {
  const rows = evaluation.filter(({ protocol }) => protocol === 'linear-probe');
  if (rows.length === 0) return [];
  const places = [...new Map(rows.map((row) => [`${row.task} ${row.site}`, row])).values()];
  return titledTable(
    `at each hospital, ${representationNames[rows[0]!.representation]}`,
    [
      { heading: 'task' },
      { heading: 'hospital' },
      ...encoders.map(({ key, label }) => ({ heading: key === 'alone' ? 'alone' : label, numeric: true })),
      { heading: 'patients', numeric: true },
    ],
    places
      .sort((a, b) => (a.task === b.task ? 0 : a.task < b.task ? -1 : 1))
      .map(({ task, site, patients }) => [
        task,
        site,
        ...encoders.map(({ key }) =>
          formatMean(rows.find((row) => row.task === task && row.site === site && row.encoder === key)?.auc ?? null),
        ),
        formatCount(patients),
      ]),
  );
}

function retrievalTable({ retrieval }: Report): string[] {
  const rows = retrieval.filter(({ encoder }) => encoder === 'federated');
  if (rows.length === 0) return [];
  return textTable(
    [
      { heading: 'retrieval' },
      { heading: 'recall@1', numeric: true },
      { heading: 'chance@1', numeric: true },
      { heading: 'recall@5', numeric: true },
      { heading: 'chance@5', numeric: true },
      { heading: 'patients', numeric: true },
    ],
    rows.map((row) => [
      row.pair.replace('-', ' to '),
      formatShare(row.recallAt1),
      formatShare(row.chanceAt1),
      formatShare(row.recallAt5),
      formatShare(row.chanceAt5),
      formatCount(row.patients),
    ]),
  );
}

/** Per hospital: what it could use, what it sent, what it set aside and why. */
export function dataLines(report: Report): string[] {
  const rounds = report.stages.flatMap((stage) => stage.rounds);
  const lines = textTable(
    [
      { heading: 'hospital' },
      { heading: 'engine' },
      { heading: 'patients', numeric: true },
      { heading: 'held out', numeric: true },
      { heading: 'series', numeric: true },
      { heading: 'slices', numeric: true },
      { heading: 'clinical', numeric: true },
      { heading: 'expression', numeric: true },
      { heading: 'rounds', numeric: true },
      { heading: 'sent', numeric: true },
    ],
    Object.entries(report.data).map(([site, data]) => [
      site,
      report.study.engine[site] ?? '–',
      formatCount(data.patients),
      formatCount(data.heldOut),
      formatCount(data.series),
      formatCount(data.slices),
      formatCount(data.clinical),
      formatCount(data.expression),
      `${rounds.filter(({ participants }) => participants.includes(site)).length}/${rounds.length}`,
      formatBytes(rounds.reduce((sum, { bytesSent }) => sum + (bytesSent[site] ?? 0), 0)),
    ]),
  );
  const notes = [
    ...Object.entries(report.data)
      .filter(([, { nonHounsfieldSeries }]) => nonHounsfieldSeries > 0)
      .map(
        ([site, { nonHounsfieldSeries }]) =>
          `${site}: ${formatPlural(nonHounsfieldSeries, 'series', 'series')} without Hounsfield units, scaled by their own range`,
      ),
    ...groupSkipped(report.skipped).map(
      ({ sites, tasks, reason }) =>
        `not measured at ${formatList(sites)}: ${tasks.join(', ')} (${reasonText(reason, 'not-measured')})`,
    ),
    ...report.evaluationLeftOut.map(({ site, reason }) => `${site}: no evaluation: ${reasonText(reason, 'left-out')}`),
    ...report.study.absent.map(({ site, reason }) => `${site}: not in the study: ${reasonText(reason, 'left-out')}`),
    ...report.stages.flatMap(({ name, rounds }) =>
      rounds.flatMap(({ round, leftOut }) =>
        leftOut.map(
          ({ site, reason }) => `${site}: left out of ${name} round ${round}: ${reasonText(reason, 'left-out')}`,
        ),
      ),
    ),
  ];
  const sections = [lines, quarantineTable(report), notes];
  return sections
    .filter((section) => section.length > 0)
    .flatMap((section, index) => (index === 0 ? section : ['', ...section]));
}

/** One line per reason, one column per hospital. */
function quarantineTable({ quarantine }: Report): string[] {
  const sites = Object.keys(quarantine);
  const reasons = [...new Set(Object.values(quarantine).flatMap((counts) => Object.keys(counts)))].filter((reason) =>
    sites.some((site) => (quarantine[site]?.[reason] ?? 0) > 0),
  );
  if (reasons.length === 0) return [];
  return textTable(
    [{ heading: 'set aside' }, ...sites.map((site) => ({ heading: site, numeric: true }))],
    reasons.map((reason) => [
      reasonText(reason, 'set-aside'),
      ...sites.map((site) => formatCount(quarantine[site]?.[reason] ?? 0)),
    ]),
  );
}
