import type { Cohort } from './cohort.ts';
import { type ReadSiteOptions, readSite } from './read-site.ts';

/**
 * Reads a site's data for a study: CT slices windowed and resized as the plan says, clinical and expression vectors, labels
 * and the split. What cannot be used is counted in `quarantine` and left out.
 *
 * @throws {Error} when the folder cannot be opened or worker threads cannot be started; the signal's reason after an abort.
 *   No message repeats a path or anything read from a file.
 */
export async function readCohort(options: Omit<ReadSiteOptions, 'countGenes'>): Promise<Cohort> {
  return (await readSite(options)).cohort;
}
