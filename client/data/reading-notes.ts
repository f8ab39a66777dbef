/** What was done with a site's data, as plain sentences of counts and the plan's own words. */
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { ClinicalVectors } from './clinical/clinical-inputs.ts';
import { type ChosenSeries, SPARSE_SERIES_SLICES } from './images/choose-slices.ts';
import type { DecodedSlices } from './images/decode-slices.ts';
import type { ImageSeries } from './images/image-series.ts';
import type { LinkedImages } from './images/link-images.ts';
import type { SiteFiles } from './site-files.ts';
import type { SiteTables } from './site-tables.ts';

export interface ReadingFacts {
  readonly plan: Pick<StudyPlan, 'imaging' | 'expression'>;
  readonly files: SiteFiles;
  readonly linkedBy: LinkedImages['linkedBy'];
  /** Per patient with images: all axial series, and those chosen. */
  readonly series: readonly (readonly ImageSeries[])[];
  readonly chosen: readonly (readonly ChosenSeries[])[];
  readonly cache: DecodedSlices['cache'];
  readonly tables: SiteTables;
  readonly clinical: ClinicalVectors | null;
  readonly logarithm: boolean;
}

function imageNotes({ plan, files, linkedBy, series, chosen, cache }: ReadingFacts): string[] {
  if (files.images === null) return ['There is no ct folder, so this site has no images.'];
  const used = chosen.flat().map((one) => one.series);
  const count = (kept: readonly ImageSeries[], test: (one: ImageSeries) => boolean) => kept.filter(test).length;
  const notes: string[] = [];
  const add = (amount: number, sentence: string) => {
    if (amount > 0) notes.push(sentence);
  };
  add(
    linkedBy === 'folder' ? 1 : 0,
    'Images were linked by folder name, which fits the tables better than the DICOM patient id.',
  );
  const several = series.filter((all, index) => all.length > (chosen[index]?.length ?? 0)).length;
  add(several, `For ${several} patients with several axial series, the one with the most slices is used.`);
  const sparse = chosen.filter((all) => all.length > 1).length;
  add(
    sparse,
    `For ${sparse} patients whose largest series has fewer than ${SPARSE_SERIES_SLICES} slices, further series were added.`,
  );
  const other = count(used, ({ hounsfield }) => !hounsfield);
  add(
    other,
    `${other} of ${used.length} series are not in Hounsfield units; each is scaled by its own intensity range.`,
  );
  const byNumber = count(used, ({ order }) => order === 'instance-number');
  add(byNumber, `${byNumber} series without slice positions are ordered by instance number.`);
  const byName = count(used, ({ order }) => order === 'file-name');
  add(byName, `${byName} series without positions and instance numbers are ordered by file name.`);
  const assumed = count(used, ({ assumedAxial }) => assumedAxial);
  add(assumed, `${assumed} series do not say which way their slices face; they are taken as axial.`);
  const available = used.reduce((sum, { slices }) => sum + slices.length, 0);
  const taken = chosen.flat().reduce((sum, { slices }) => sum + slices.length, 0);
  const most = plan.imaging.maximumSlicesPerPatient;
  add(available - taken, `${taken} of ${available} slices are used: at most ${most} of a patient, evenly spaced.`);
  add(
    cache === 'failed' ? 1 : 0,
    'The slice cache could not be written; the images will be decoded again at the next start.',
  );
  return notes;
}

function clinicalNotes({ files, tables, clinical }: ReadingFacts): string[] {
  if (files.clinical === null) return ['There is no clinical table.'];
  if (tables.clinical === null || clinical === null) return ['The clinical table could not be read.'];
  const notes = [`${clinical.numeric} numeric and ${clinical.categorical} categorical clinical columns are used.`];
  if (!tables.clinical.unicode) notes.push('The clinical table is not UTF-8; it was read as Windows-1252.');
  if (clinical.absent.length > 0)
    notes.push(`The clinical table lacks these fields of the plan: ${clinical.absent.join(', ')}.`);
  return notes;
}

function expressionNotes({ plan, files, tables, logarithm }: ReadingFacts): string[] {
  if (plan.expression === undefined) return [];
  if (files.expression === null) return ['There is no expression table.'];
  if (tables.expression === null) return ['The expression table could not be used.'];
  const wanted = plan.expression.genes.length;
  const found = tables.expression.planGenesFound;
  const notes = [
    `${found} of the plan's ${wanted} genes are in the expression table${found < wanted ? '; the others count as the mean' : ''}.`,
  ];
  if (logarithm) notes.push('Expression values look like counts or TPM; log2(1 + x) was taken.');
  return notes;
}

export function readingNotes(facts: ReadingFacts): string[] {
  return [...imageNotes(facts), ...clinicalNotes(facts), ...expressionNotes(facts)];
}
