/** This site's evaluation of the random, the federated and its own encoder on its held-out patients: metrics and counts only. */
import type { EvaluationReport } from '@wardround/protocols/session/messages.ts';
import type { Engine } from '@wardround/shared/learning/engine/open-engine.ts';
import {
  evaluateRepresentation,
  type ReferenceScores,
  type RepresentationOptions,
} from '@wardround/shared/learning/evaluation/evaluate-representation.ts';
import { evaluateRetrieval } from '@wardround/shared/learning/evaluation/evaluate-retrieval.ts';
import { vitSizes } from '@wardround/shared/tensors/layouts/vit.ts';
import type { Cohort } from '../../data/cohort.ts';
import { MODALITIES, modalitiesOf } from '../batches/patient-batches.ts';
import { DeclineError } from '../decline-error.ts';
import { embedCohort } from '../embed-cohort.ts';
import { initialLocalLayers, type LocalLayers } from '../local-layers.ts';
import { openAlignment } from '../open-alignment.ts';
import { betweenSteps } from '../steering.ts';
import { embedPatients, meanSliceEmbeddings } from './encoder-output.ts';
import type { EncoderWeights, StageModels } from './encoder-weights.ts';
import type { EvaluationSteering } from './evaluation-steering.ts';
import { trainAlone } from './train-alone.ts';

export interface EvaluationInput {
  readonly models: StageModels;
  /** This site's own trained first layers; null when it never trained the alignment, whose retrieval is then not measured. */
  readonly local: LocalLayers | null;
  /** [slices of the cohort, slice width] under the final slice encoder, when they are known already. */
  readonly sliceEmbeddings?: Float32Array | undefined;
}

type Encoder = 'random' | 'federated' | 'alone';
type Skipped = EvaluationReport['skipped'][number];

/** @throws {DeclineError} never: what cannot be measured here is listed as skipped. */
export async function evaluateSite(
  { engine, cohort }: { engine: Engine; cohort: Cohort },
  { models, local, sliceEmbeddings }: EvaluationInput,
  steering: EvaluationSteering,
): Promise<EvaluationReport> {
  const { plan, slices, alignment } = models;
  const initialLocal = alignment === null ? null : initialLocalLayers({ plan, stage: alignment.stage }, cohort);
  const withLocal = (shared: Float32Array | undefined, layers: LocalLayers | null) =>
    shared === undefined || initialLocal === null ? null : { shared, local: layers ?? initialLocal };

  const report: EvaluationReport = { results: [], retrieval: [], skipped: [] };
  const references = new Map<string, ReferenceScores>();
  const measure = (encoder: Encoder, weights: EncoderWeights) =>
    measureEncoder({ engine, cohort }, { models, encoder, weights, references, report }, steering);

  await measure('random', { slices: slices.initial, alignment: withLocal(alignment?.initial, null) });
  await measure('federated', {
    slices: slices.final,
    alignment: withLocal(alignment?.final, local),
    ...(sliceEmbeddings === undefined ? {} : { sliceEmbeddings }),
  });
  if (alignment !== null && local === null) {
    report.retrieval = [];
    report.skipped.push({ task: 'retrieval', reason: 'alignment-not-trained-here' });
  }
  if (plan.evaluation.trainAlone) {
    try {
      await measure('alone', await trainAlone({ engine, cohort }, models, steering));
    } catch (error) {
      if (!(error instanceof DeclineError)) throw error;
      report.skipped.push({ task: 'training-alone', reason: error.reason });
    }
  }
  return { ...report, skipped: withoutRepeats(report.skipped) };
}

interface Measurement {
  readonly models: StageModels;
  readonly encoder: Encoder;
  readonly weights: EncoderWeights;
  /** The random encoder's scores by representation; written when it is measured, read by the others. */
  readonly references: Map<string, ReferenceScores>;
  /** Where the figures go. */
  readonly report: EvaluationReport;
}

async function measureEncoder(
  { engine, cohort }: { engine: Engine; cohort: Cohort },
  { models, encoder, weights, references, report }: Measurement,
  { signal, onProgress }: EvaluationSteering,
): Promise<void> {
  const { plan } = models;
  const sliceEmbeddings =
    weights.sliceEmbeddings ??
    (await embedCohort(
      { engine, cohort },
      { plan, parameters: weights.slices },
      { signal, onProgress: (step) => onProgress({ activity: 'embedding', stage: null, round: null, ...step }) },
    ));
  const heldOut = cohort.patients.map((patient) => patient.heldOut);
  const presence = modalitiesOf(cohort);
  const common = {
    heldOut,
    present: presence.map(({ has }) => has.ct),
    tasks: plan.evaluation.tasks.map(({ name }) => ({ name, labels: labelsOf(cohort, name) })),
    fewShot: plan.evaluation.fewShot,
    minimumPatients: plan.evaluation.minimumPatients,
    encoder,
    seed: plan.seed,
  };
  const evaluate = async (
    embeddings: Float32Array,
    options: Pick<RepresentationOptions, 'representation' | 'width'>,
  ) => {
    const random = references.get(options.representation);
    const measured = evaluateRepresentation(embeddings, {
      ...common,
      ...options,
      ...(encoder === 'random' || random === undefined ? {} : { random }),
    });
    if (encoder === 'random') references.set(options.representation, measured.reference);
    report.results.push(...measured.results);
    report.skipped.push(...measured.skipped);
    if (encoder !== 'random' && measured.gainCovariance !== null) {
      const { tasks, values } = measured.gainCovariance;
      const covariance = { tasks: [...tasks], values: values.map((row) => [...row]) };
      report.gainCovariances = [
        ...(report.gainCovariances ?? []),
        { representation: options.representation, encoder, ...covariance },
      ];
    }
    await betweenSteps(signal);
  };

  onProgress({ activity: 'evaluating', stage: null, round: null, done: 0, total: 1, loss: null, perSecond: null });
  const { width: sliceWidth } = vitSizes(plan.encoders.slice.architecture);
  const means = meanSliceEmbeddings(cohort, { sliceEmbeddings, sliceWidth });
  await evaluate(means, { representation: 'slices', width: sliceWidth });
  if (models.alignment === null || weights.alignment === null) return;

  const { stage } = models.alignment;
  const alignment = await openAlignment({ engine, cohort }, { plan, stage, ...weights.alignment });
  try {
    const embedded = await embedPatients((batch) => alignment.embed(batch), { cohort, sliceEmbeddings, sliceWidth });
    await evaluate(embedded.patient, { representation: 'patient', width: plan.encoders.pooling.width });
    if (encoder === 'random') return;
    const [ct, clinical, expression] = MODALITIES.map((modality) => presence.map(({ has }) => has[modality]));
    const retrieval = evaluateRetrieval(embedded, {
      width: stage.embeddingWidth,
      present: { ct: ct!, clinical: clinical!, expression: expression! },
      heldOut,
      minimumPatients: plan.evaluation.minimumPatients,
      encoder,
    });
    report.retrieval.push(...retrieval.results);
    report.skipped.push(...retrieval.skipped);
  } finally {
    alignment.dispose();
  }
}

/** Null when no patient has a label: the site has no such column, or none of the plan's spellings in it. */
function labelsOf(cohort: Cohort, task: string): (0 | 1 | null)[] | null {
  const labels = cohort.patients.map((patient) => patient.labels[task] ?? null);
  return labels.every((label) => label === null) ? null : labels;
}

/** What is skipped depends on labels and patients, so every encoder skips the same. */
function withoutRepeats(skipped: readonly Skipped[]): Skipped[] {
  return [...new Map(skipped.map((one) => [`${one.task} ${one.reason}`, one])).values()];
}
