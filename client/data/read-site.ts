/** From a folder to a cohort: the one place where finding, linking, splitting, decoding and encoding are put together. */
import type { Inventory } from '@wardround/protocols/session/messages.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { clinicalInputs } from './clinical/clinical-inputs.ts';
import type { ClinicalTable } from './clinical/clinical-table.ts';
import { noLabels, taskLabels } from './clinical/task-labels.ts';
import type { Cohort, Patient } from './cohort.ts';
import { standardiseProfiles } from './expression/standardise-profiles.ts';
import { type ChosenSeries, chooseSlices } from './images/choose-slices.ts';
import { decodeSlices } from './images/decode-slices.ts';
import { type ImageSeries, imageSeries } from './images/image-series.ts';
import { candidateKeys, linkImages } from './images/link-images.ts';
import { type SurveyedImage, surveyImages } from './images/survey-images.ts';
import { type KeyedHash, linkageKey, patientKey } from './keyed-hash.ts';
import type { OnReadingProgress } from './progress.ts';
import { createQuarantine } from './quarantine/quarantine.ts';
import { readingNotes } from './reading-notes.ts';
import { findSiteFiles } from './site-files.ts';
import type { SiteFindings } from './site-findings.ts';
import { readSiteTables, type SiteTables } from './site-tables.ts';
import { heldOutSplit } from './split/held-out-split.ts';
import { isMissing } from './tables/missing.ts';
import { createDecodePool } from './workers/decode-pool.ts';

/** The parts of a plan that the data depends on. */
export type DataPlan = Pick<StudyPlan, 'imaging' | 'clinical' | 'expression' | 'evaluation' | 'seed'>;

export interface ReadSiteOptions {
  /** The site's folder, with `ct/`, `clinical.csv` and `expression.tsv` in it. */
  readonly directory: string;
  readonly plan: DataPlan;
  /** Looks at an expression table although the plan names no genes. */
  readonly countGenes?: boolean | undefined;
  readonly onProgress?: OnReadingProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Decoded slices are kept here, readable by this user only. */
  readonly cacheDirectory?: string | undefined;
  /** Worker threads; default one less than the cores, at most four. */
  readonly workers?: number | undefined;
  /** After this long a file counts as impossible to read; default half a minute. */
  readonly fileTimeoutMillis?: number | undefined;
}

export interface Site {
  readonly cohort: Cohort;
  readonly findings: SiteFindings;
}

function createKeyOf(key: string): (id: string) => KeyedHash | null {
  const known = new Map<string, KeyedHash | null>();
  return (id) => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const made = isMissing(id) ? null : patientKey(id, key);
    known.set(id, made);
    return made;
  };
}

function labelsOf(key: KeyedHash, { table, plan }: { table: ClinicalTable | null; plan: DataPlan }): Patient['labels'] {
  const { tasks } = plan.evaluation;
  const row = table?.rows.get(key);
  return row === undefined || table === null ? noLabels(tasks) : taskLabels(row, { tasks, headings: table.headings });
}

interface PatientParts {
  readonly series: ReadonlyMap<KeyedHash, readonly ImageSeries[]>;
  readonly chosen: ReadonlyMap<KeyedHash, readonly ChosenSeries[]>;
  readonly tables: SiteTables;
}

/** Every patient of any modality, in the order of their keys, with those who never train. */
function splitPatients({ chosen, tables }: PatientParts, plan: DataPlan) {
  const withValues = (row: readonly string[]) => row.some((cell) => !isMissing(cell));
  const clinical = new Set([...(tables.clinical?.rows ?? [])].filter(([, row]) => withValues(row)).map(([key]) => key));
  const expression = new Set(tables.expression?.profiles.keys());
  const keys = [...new Set([...chosen.keys(), ...clinical, ...expression])].sort();
  const candidates = keys.map((key) => {
    const modalities = [chosen.has(key), clinical.has(key), expression.has(key)].map(Number).join('');
    const labels = Object.values(labelsOf(key, { table: tables.clinical, plan }));
    return { key, strata: [modalities, ...labels.map(String)] };
  });
  return { keys, heldOut: heldOutSplit(candidates, plan.evaluation.heldOutFraction) };
}

function inventoryOf(patients: readonly Patient[], chosen: readonly (readonly ChosenSeries[])[]): Inventory {
  const count = (test: (patient: Patient) => boolean) => patients.filter(test).length;
  const used = chosen.flat();
  return {
    patients: patients.length,
    series: used.length,
    slices: patients.reduce((sum, { slices }) => sum + (slices?.count ?? 0), 0),
    nonHounsfieldSeries: used.filter(({ series }) => !series.hounsfield).length,
    clinical: count(({ clinical }) => clinical !== null),
    expression: count(({ expression }) => expression !== null),
    linked: count(({ slices, clinical, expression }) => slices !== null && (clinical !== null || expression !== null)),
    heldOut: count(({ heldOut }) => heldOut),
  };
}

function countSyntaxes(images: readonly SurveyedImage[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { header } of images) counts[header.syntaxName] = (counts[header.syntaxName] ?? 0) + 1;
  return counts;
}

/**
 * @throws {Error} when the folder cannot be opened or worker threads cannot be started; the signal's reason after an abort.
 *   No message repeats a path or anything read from a file.
 */
export async function readSite(options: ReadSiteOptions): Promise<Site> {
  const { directory, plan, countGenes = false, signal, cacheDirectory, workers, fileTimeoutMillis } = options;
  const onProgress = options.onProgress ?? (() => undefined);
  const quarantine = createQuarantine();
  const key = linkageKey(plan.seed);
  const keyOf = createKeyOf(key);
  const files = await findSiteFiles(directory, { quarantine, signal });
  const pool = createDecodePool({ key, workers, timeoutMillis: fileTimeoutMillis, signal });
  try {
    const images = await surveyImages(files.images ?? [], { pool, quarantine, onProgress });
    onProgress({ activity: 'reading-tables', done: 0, total: 1 });
    const tables = await readSiteTables(files, {
      expression: plan.expression ?? (countGenes ? 'count' : undefined),
      keyOf,
      imaged: candidateKeys(images, keyOf),
      quarantine,
      signal,
    });
    onProgress({ activity: 'reading-tables', done: 1, total: 1 });

    const inTables = new Set([...(tables.clinical?.rows.keys() ?? []), ...(tables.expression?.profiles.keys() ?? [])]);
    const linked = linkImages(images, { keyOf, tables: inTables, quarantine });
    const series = new Map([...linked.images].map(([patient, own]) => [patient, imageSeries(own, quarantine)]));
    const chosen = new Map(
      [...series]
        .map(
          ([patient, all]) =>
            [patient, chooseSlices(all, { maximumSlices: plan.imaging.maximumSlicesPerPatient })] as const,
        )
        .filter(([, own]) => own.length > 0),
    );
    const { keys, heldOut } = splitPatients({ series, chosen, tables }, plan);
    const training = new Set(keys.filter((patient) => !heldOut.has(patient)));

    const chosenInOrder = keys.map((patient) => chosen.get(patient) ?? []);
    const decoded = await decodeSlices(chosenInOrder, {
      imaging: plan.imaging,
      pool,
      cacheDirectory,
      quarantine,
      onProgress,
    });
    const clinical = tables.clinical === null ? null : clinicalInputs(tables.clinical, { plan, training, quarantine });
    const expression =
      tables.expression === null || plan.expression === undefined
        ? null
        : standardiseProfiles(tables.expression.profiles, { training });

    const patients = keys
      .map(
        (patient, index): Patient => ({
          slices: decoded.ranges[index] ?? null,
          clinical: clinical?.vectors.get(patient) ?? null,
          expression: expression?.profiles.get(patient) ?? null,
          labels: labelsOf(patient, { table: tables.clinical, plan }),
          heldOut: heldOut.has(patient),
        }),
      )
      .filter((patient) => patient.slices !== null || patient.clinical !== null || patient.expression !== null);
    const notes = readingNotes({
      plan,
      files,
      linkedBy: linked.linkedBy,
      series: keys.map((patient) => series.get(patient) ?? []),
      chosen: chosenInOrder,
      cache: decoded.cache,
      tables,
      clinical,
      logarithm: expression?.logarithm ?? false,
    });
    const allSeries = [...series.values()].flat();
    return {
      cohort: {
        patients,
        images: decoded.images,
        clinicalInputWidth: clinical?.width ?? 0,
        expressionInputWidth:
          expression !== null && expression.profiles.size > 0 ? (plan.expression?.genes.length ?? null) : null,
        inventory: inventoryOf(patients, chosenInOrder),
        quarantine: quarantine.counts(),
        notes,
      },
      findings: {
        images:
          files.images === null
            ? null
            : {
                files: files.images.length,
                transferSyntaxes: countSyntaxes(images),
                patients: linked.images.size,
                axialSeries: allSeries.length,
                axialSlices: allSeries.reduce((sum, { slices }) => sum + slices.length, 0),
              },
        clinical:
          tables.clinical === null || clinical === null
            ? null
            : {
                rows: tables.clinical.rows.size,
                columns: tables.clinical.headings.length,
                numericInputs: clinical.numeric,
                categoricalInputs: clinical.categorical,
              },
        expression:
          tables.expression === null
            ? null
            : {
                profiles: tables.expression.profiles.size,
                genes: tables.expression.genesInTable,
                planGenesFound: plan.expression === undefined ? null : tables.expression.planGenesFound,
              },
      },
    };
  } finally {
    await pool.close();
  }
}
