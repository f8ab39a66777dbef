/** `model-card.md`: what the published encoders are, what they were made from, what they are worth and what not to do with them. */
import type { Stage } from '@wardround/protocols/study/plan.ts';
import { PIXEL_NORMALISATION, vitSizes } from '@wardround/shared/tensors/layouts/vit.ts';
import {
  formatBytes,
  formatCount,
  formatGain,
  formatList,
  formatMean,
  formatPlural,
  formatSeconds,
} from './format-figure.ts';
import { normalisationText, timmName } from './model-files.ts';
import { reasonText } from './reason-text.ts';
import type { Report, ReportStage } from './report-schema.ts';
import type { StudyRecord } from './study-record.ts';

/**
 * @param files names of the weight files that were written beside it
 */
export function modelCard(record: StudyRecord, report: Report, files: readonly string[]): string {
  const { plan } = record;
  const sites = Object.keys(report.data);
  return `${[
    `# ${plan.name}: model card`,
    plan.description === '' ? null : asText(plan.description),
    `Encoders pretrained by ${sites.length === 0 ? 'no hospital yet' : formatList(sites)} without moving patient data. Study plan \`${record.hash}\`.`,
    record.state === 'finished'
      ? null
      : `**The study is ${record.state}${record.failure === null ? '' : ` (${reasonText(record.failure, 'failure')})`}: these results are incomplete.**`,
    section('Intended use', [
      'Research: a starting point for fine-tuning on CT tasks, and for studying federated pretraining.',
      'Not a medical device. Do not use it for diagnosis, for treatment or for any decision about a patient.',
    ]),
    loading(record, files),
    data(report),
    training(record, report),
    results(report),
    protection(report),
    section('Limits', [
      'The figures come from one split of a small number of patients; their errors say nothing about other seeds or other hospitals.',
      'Scanners, reconstruction and populations of other hospitals may differ; measure before you rely on it.',
      `Slices are ${plan.imaging.sizePixels} px a side: findings smaller than a few pixels at that size cannot be seen.`,
    ]),
    `Made with Wardround ${report.versions.wardround} (Node ${report.versions.node}). All figures: \`report.json\`, \`report.html\`; the plan: \`study-plan.json\`.`,
  ]
    .filter((part) => part !== null)
    .join('\n\n')}\n`;
}

function loading(record: StudyRecord, files: readonly string[]): string | null {
  if (!files.includes('slice-encoder.safetensors')) return null;
  const size = record.plan.imaging.sizePixels;
  const alignment = files.includes('alignment.safetensors')
    ? `\n\n\`alignment.safetensors\` holds the attention pooling over a patient's slices (\`pooling.*\`) and the shared parts of the other
encoders (\`clinical.*\`, \`expression.*\`) as named float32 tensors; their first layers know a hospital's own columns and stay there.
The pooling expects slice embeddings that were brought to mean 0 and deviation 1, coordinate by coordinate, over the slices of
one's own training patients, as each hospital did here.`
    : '';
  return `## Loading

\`\`\`python
import timm
import torch
from safetensors.torch import load_file

encoder = timm.create_model("${timmName(record)}", pretrained=False, num_classes=0, in_chans=1, img_size=${size})
encoder.load_state_dict(load_file("slice-encoder.safetensors"), strict=True)
encoder.eval()

slices = torch.rand(8, 1, ${size}, ${size})  # windowed slices in 0..1
with torch.inference_mode():
    embeddings = encoder((slices - ${PIXEL_NORMALISATION.mean}) / ${PIXEL_NORMALISATION.deviation})  # [8, ${vitSizes(record.plan.encoders.slice.architecture).width}]
\`\`\`

Input: axial slices of ${size} x ${size} pixels, one channel. ${normalisationText(record)}.${alignment}`;
}

function data(report: Report): string {
  const rows = Object.entries(report.data).map(([site, counts]) => [
    site,
    ...[
      counts.patients,
      counts.heldOut,
      counts.series,
      counts.nonHounsfieldSeries,
      counts.slices,
      counts.clinical,
      counts.expression,
      counts.linked,
    ].map(formatCount),
  ]);
  const quarantine = Object.entries(report.quarantine).flatMap(([site, reasons]) =>
    Object.entries(reasons)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => `${site}: ${formatCount(count)} × ${reasonText(reason, 'set-aside')} (\`${reason}\`)`),
  );
  return [
    '## Data',
    markdownTable(
      ['hospital', 'patients', 'held out', 'series', 'not Hounsfield', 'slices', 'clinical', 'expression', 'linked'],
      rows,
    ),
    quarantine.length === 0 ? 'Nothing was set aside.' : `Set aside as unusable:\n\n${bullets(quarantine)}`,
  ].join('\n\n');
}

function training({ plan }: StudyRecord, report: Report): string {
  const { width, depth, heads } = vitSizes(plan.encoders.slice.architecture);
  const rows = report.stages.map((stage) => {
    const settings = plan.stages.find(({ name }) => name === stage.name);
    return [
      stage.name,
      settings === undefined ? '' : objectiveText(settings),
      `${stage.rounds.length} of ${settings?.rounds ?? '?'}`,
      settings === undefined
        ? ''
        : `${formatPlural(settings.localEpochs, 'epoch')}${settings.maximumLocalSteps === undefined ? '' : `, at most ${formatPlural(settings.maximumLocalSteps, 'step')}`}`,
      settings === undefined ? '' : String(settings.batch),
      settings === undefined
        ? ''
        : `${settings.optimiser.learningRate} (weight decay ${settings.optimiser.weightDecay}, warm-up ${settings.optimiser.warmUpFraction})`,
      settings?.server.kind ?? '',
      formatSeconds(stage.rounds.reduce((sum, { seconds }) => sum + seconds, 0)),
    ];
  });
  const absences = report.stages.flatMap((stage) => absenceLines(stage));
  return [
    '## Training',
    `Slice encoder: ${plan.encoders.slice.architecture} (width ${width}, depth ${depth}, ${heads} heads), one channel, ${plan.imaging.sizePixels} px. Seed ${plan.seed}.`,
    markdownTable(
      ['stage', 'objective', 'rounds', 'local work a round', 'batch', 'AdamW learning rate', 'server', 'time'],
      rows,
    ),
    absences.length === 0 ? 'Every hospital was in every round.' : `Left out:\n\n${bullets(absences)}`,
  ].join('\n\n');
}

function absenceLines({ name, rounds }: ReportStage): string[] {
  return rounds.flatMap(({ round, leftOut }) =>
    leftOut.map(({ site, reason }) => `${site}, ${name} round ${round}: ${reasonText(reason, 'left-out')}`),
  );
}

function objectiveText(stage: Stage): string {
  return `${stage.objective === 'simclr' ? 'SimCLR' : 'symmetric InfoNCE'}, temperature ${stage.temperature}`;
}

function results(report: Report): string {
  if (report.comparison.length === 0) return '## Results\n\nNo task could be measured.';
  return [
    '## Results',
    `AUC on held-out patients, ± one standard error. Errors, ${report.method.errors}. Over hospitals: ${report.method.combination}.`,
    markdownTable(
      [
        'task',
        'protocol',
        'representation',
        'random',
        'each site alone, mean',
        'federated',
        'gain',
        '> 2 SE',
        'patients',
      ],
      report.comparison.map((row) => [
        row.task,
        row.k === null ? 'linear probe' : `few-shot, k = ${row.k}`,
        row.representation === 'slices' ? 'slice mean' : 'pooled patient',
        formatMean(row.random),
        formatMean(row.alone),
        formatMean(row.federated),
        formatGain(row.gainOverRandom),
        row.gainExceedsTwoErrors === null ? '–' : row.gainExceedsTwoErrors ? 'yes' : 'no',
        formatCount(row.patients),
      ]),
    ),
  ].join('\n\n');
}

function protection({ protection: on, stages }: Report): string {
  const secured = on.secureAggregation;
  const rounds = stages.flatMap((stage) => stage.rounds);
  const bytes = rounds.flatMap(({ bytesSent }) => Object.values(bytesSent)).reduce((sum, value) => sum + value, 0);
  return section('Protection', [
    `On: signed requests; updates (${formatBytes(bytes)} in all) sealed to the coordinator's key; each coordinate clipped to ±${on.clip}; figures on fewer than ${on.minimumPatients} patients withheld.`,
    ...(secured === undefined
      ? []
      : [
          `On: secure aggregation. The coordinator saw the sum of the updates alone; to open one, at least ${secured.lowestThreshold} of ${secured.fewestSites} sites would have had to act together with it. ${secured.dropOuts} drop-outs, ${secured.abortedSessions} sessions begun again.`,
        ]),
    secured === undefined
      ? 'Not on: secure aggregation, differential privacy. The coordinator could open a single update, and weights can reveal something about training data.'
      : 'Not on: differential privacy. Weights can reveal something about training data.',
  ]);
}

function section(heading: string, sentences: readonly string[]): string {
  return `## ${heading}\n\n${bullets(sentences)}`;
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join('\n');
}

function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A plan's own words, as words: no heading, link, image or element can come of them. */
function asText(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]<>()#+!|~&-]/g, '\\$&');
}
