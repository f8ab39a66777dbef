/**
 * Writes the demo's synthetic hospitals, from hidden disease factors that touch CT, clinical and expression data alike,
 * with the gaps and the unusable files of real archives.
 *
 * A seed gives the same bytes on every machine: all numbers come from whole-number arithmetic and from the operations
 * that IEEE 754 rounds correctly (+ - * / and square root), never from `Math.sin`, `Math.exp` or `Math.log`, whose last
 * bits differ between engines; and nothing depends on the clock or on the order in which files reach the disk.
 */
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { drawTissueTextures } from './chest/tissue-textures.ts';
import { openJpegLsEncoder } from './ct/jpeg-ls-encoder.ts';
import { defaultHospitals } from './default-hospitals.ts';
import type { HospitalSpec } from './hospital-spec.ts';
import type { HospitalSummary, SiteSummary } from './hospital-summary.ts';
import { studyGenes } from './study-genes.ts';
import { drawExpressionProgramme } from './tables/expression-programme.ts';
import type { Commons } from './write-hospital.ts';
import { writeHospital } from './write-hospital.ts';

export interface WriteHospitalsOptions {
  /** Gets one folder per site; a site's folder must be absent or empty. */
  directory: string;
  seed: number | string;
  sites?: readonly HospitalSpec[];
  /** Instead of each site's own number. */
  patientsPerSite?: number;
  onProgress?: (progress: { site: string; patientsDone: number; patients: number }) => void;
}

/** @throws {RangeError} when a site has too few patients. @throws {Error} when a site's folder already holds something. */
export async function writeHospitals(options: WriteHospitalsOptions): Promise<HospitalSummary> {
  const { directory, seed, sites = defaultHospitals, patientsPerSite, onProgress } = options;
  const random = createRandom(seed).fork('hospitals');
  const commons: Commons = {
    seed,
    textures: drawTissueTextures(random.fork('textures')),
    programme: drawExpressionProgramme(random.fork('expression programme'), studyGenes),
    jpegLs: await openJpegLsEncoder(),
  };
  const summaries: SiteSummary[] = [];
  for (const site of sites) {
    const spec = patientsPerSite === undefined ? site : { ...site, patients: patientsPerSite };
    const onPatient = (patientsDone: number) =>
      onProgress?.({ site: spec.name, patientsDone, patients: spec.patients });
    summaries.push(
      await writeHospital(spec, { directory, random: random.fork(`site ${spec.name}`), commons, onPatient }),
    );
  }
  return { seed, sites: summaries, bytes: summaries.reduce((sum, { bytes }) => sum + bytes, 0) };
}
