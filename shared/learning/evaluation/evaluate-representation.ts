/**
 * What a site reports about one encoder on its own held-out patients: per task, the AUC of a linear probe and of few-shot
 * probes, with errors, and the gain over the random encoder on the same patients. Metrics and counts only.
 */
import { classIndices } from './class-indices.ts';
import { type PairedDifference, pairedAucDifference } from './delong.ts';
import { type FewShot, fewShot } from './few-shot.ts';
import { linearProbe } from './linear-probe.ts';
import { type MeanAndError, meanAndError } from './mean-and-error.ts';
import { type ProbeData, takeLabels } from './probe.ts';

interface LabelledTask {
  readonly name: string;
  /** Per patient; null where the patient has no usable label. Null altogether when the site has no such column. */
  readonly labels: readonly (0 | 1 | null)[] | null;
}

export interface RepresentationOptions {
  readonly width: number;
  /** Whether the patient has the representation at all; rows of others are not read. */
  readonly present: readonly boolean[];
  /** Whether the patient was kept out of training. Probes are fitted on the others and scored on these. */
  readonly heldOut: readonly boolean[];
  readonly tasks: readonly LabelledTask[];
  readonly fewShot: { readonly shots: readonly number[]; readonly seeds: number };
  /** Results on fewer held-out patients than this are left out. */
  readonly minimumPatients: number;
  readonly representation: 'slices' | 'patient';
  readonly encoder: 'random' | 'federated' | 'alone';
  /** Seeds the few-shot draws; encoders that are to be compared need the same. */
  readonly seed: number | string;
  /** What the random encoder's evaluation of the same representation returned as `reference`; gains are null without it. */
  readonly random?: ReferenceScores;
}

interface RepresentationResult {
  readonly task: string;
  readonly protocol: 'linear-probe' | 'few-shot';
  /** Labelled patients per class for few-shot, null for the linear probe. */
  readonly k: number | null;
  readonly representation: 'slices' | 'patient';
  readonly encoder: 'random' | 'federated' | 'alone';
  /** Error: DeLong over held-out patients for the linear probe, over draws for few-shot. */
  readonly auc: MeanAndError;
  /** Error: paired DeLong for the linear probe, over the same draws for few-shot. */
  readonly gainOverRandom: MeanAndError | null;
  readonly patients: number;
}

type SkipReason = 'no-label-column' | 'too-few-patients' | 'one-class-only' | 'too-few-shots';

/** Per-patient scores by task, for pairing. They stay at the site. */
export interface ReferenceScores {
  readonly linearProbe: ReadonlyMap<string, Float64Array>;
  /** By task and shots, as `task/shots`. */
  readonly fewShot: ReadonlyMap<string, FewShot['draws']>;
}

export interface RepresentationEvaluation {
  readonly results: readonly RepresentationResult[];
  /**
   * What was not measured and why: a task, or `task/few-shot-K`. It depends on labels and patients only, so it is the same
   * for each encoder. `too-few-patients` also covers a single held-out patient of one class, which allows no error.
   */
  readonly skipped: readonly { readonly task: string; readonly reason: SkipReason }[];
  readonly reference: ReferenceScores;
  /** How the tasks' gains by linear probe vary together over the patients they share; null without `random`. */
  readonly gainCovariance: GainCovariance | null;
}

interface GainCovariance {
  readonly tasks: readonly string[];
  /** [tasks, tasks]; the diagonal holds the squared standard errors of the gains. */
  readonly values: readonly (readonly number[])[];
}

/**
 * @param embeddings [patients, width], row-major.
 * @throws {TypeError} when the patients' flags, labels and embeddings, or the random encoder's scores, differ in number.
 */
export function evaluateRepresentation(
  embeddings: Float32Array,
  options: RepresentationOptions,
): RepresentationEvaluation {
  const { width, heldOut, present, representation, encoder } = options;
  if (embeddings.length !== heldOut.length * width || present.length !== heldOut.length) {
    throw new TypeError(
      `Cannot evaluate the representation: found ${embeddings.length} values and ${present.length} presence flags for ${heldOut.length} patients of width ${width}`,
    );
  }
  const results: RepresentationResult[] = [];
  const skipped: { task: string; reason: SkipReason }[] = [];
  const linearProbeScores = new Map<string, Float64Array>();
  const fewShotDraws = new Map<string, FewShot['draws']>();
  const contributions = new Map<string, Float64Array>();

  for (const { name, labels } of options.tasks) {
    const data = labels === null ? 'no-label-column' : selectPatients(embeddings, labels, options);
    if (typeof data === 'string') {
      skipped.push({ task: name, reason: data });
      continue;
    }
    const row = { task: name, representation, encoder, patients: data.testIndices.length };
    const testLabels = takeLabels(data.labels, data.testIndices);

    const probe = linearProbe(data);
    linearProbeScores.set(name, probe.scores);
    const gain = pairedGain(probe.scores, options.random?.linearProbe.get(name), testLabels);
    if (gain !== null) contributions.set(name, spread(gain.contributions, data.testIndices, heldOut.length));
    results.push({
      ...row,
      protocol: 'linear-probe',
      k: null,
      auc: { mean: probe.auc, standardError: probe.standardError },
      gainOverRandom: gain === null ? null : { mean: gain.difference, standardError: gain.standardError },
    });

    for (const shots of options.fewShot.shots) {
      const few = fewShot({ ...data, shots, seeds: options.fewShot.seeds, seed: `${options.seed}/${name}` });
      if (few === null) {
        skipped.push({ task: `${name}/few-shot-${shots}`, reason: 'too-few-shots' });
        continue;
      }
      fewShotDraws.set(`${name}/${shots}`, few.draws);
      results.push({
        ...row,
        protocol: 'few-shot',
        k: shots,
        auc: few.auc,
        gainOverRandom: gainOverDraws(few.draws, options.random?.fewShot.get(`${name}/${shots}`), testLabels),
      });
    }
  }
  return {
    results,
    skipped,
    reference: { linearProbe: linearProbeScores, fewShot: fewShotDraws },
    gainCovariance: options.random === undefined ? null : covarianceOf(contributions),
  };
}

/** Values of some patients as values of all, zero for the rest. */
function spread(values: Float64Array, indices: readonly number[], patients: number): Float64Array {
  const all = new Float64Array(patients);
  for (const [at, patient] of indices.entries()) all[patient] = values[at]!;
  return all;
}

function covarianceOf(contributions: ReadonlyMap<string, Float64Array>): GainCovariance {
  const all = [...contributions.values()];
  const product = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, patient) => sum + value * b[patient]!, 0);
  return { tasks: [...contributions.keys()], values: all.map((a) => all.map((b) => product(a, b))) };
}

/** The patients who take part in a task, or why it cannot be measured. */
function selectPatients(
  features: Float32Array,
  labels: readonly (0 | 1 | null)[],
  { width, present, heldOut, minimumPatients }: RepresentationOptions,
): ProbeData | SkipReason {
  if (labels.length !== heldOut.length) {
    throw new TypeError(`Cannot evaluate the representation: ${labels.length} labels for ${heldOut.length} patients`);
  }
  const trainIndices: number[] = [];
  const testIndices: number[] = [];
  labels.forEach((label, patient) => {
    if (label !== null && present[patient]) (heldOut[patient] ? testIndices : trainIndices).push(patient);
  });
  if (testIndices.length < minimumPatients) return 'too-few-patients';
  const train = classIndices(takeLabels(labels, trainIndices), { atLeast: 0 });
  const test = classIndices(takeLabels(labels, testIndices), { atLeast: 0 });
  const smallest = (classes: typeof train) => Math.min(classes.positive.length, classes.negative.length);
  if (smallest(train) === 0 || smallest(test) === 0) return 'one-class-only';
  if (smallest(test) < 2) return 'too-few-patients';
  return { features, width, labels, trainIndices, testIndices };
}

function pairedGain(
  scores: Float64Array,
  random: Float64Array | undefined,
  labels: Uint8Array,
): PairedDifference | null {
  return random === undefined ? null : pairedAucDifference(scores, random, labels);
}

function gainOverDraws(
  draws: FewShot['draws'],
  random: FewShot['draws'] | undefined,
  labels: Uint8Array,
): MeanAndError | null {
  if (random === undefined) return null;
  if (random.length !== draws.length) {
    throw new TypeError(`Cannot compare with the random encoder: ${random.length} draws against ${draws.length}`);
  }
  if (draws.length === 1) {
    const { difference, standardError } = pairedAucDifference(draws[0]!.scores, random[0]!.scores, labels);
    return { mean: difference, standardError };
  }
  return meanAndError(draws.map((draw, i) => draw.auc - random[i]!.auc));
}
