/** The unusable things that are laid among a site's data on purpose, and where a site client is expected to count them. */
import type { QuarantineReason } from '@wardround/client/data/quarantine/reasons.ts';

/** Each site says how many of these it has. */
export const fileFaults = [
  'truncated-file',
  'text-file-named-dcm',
  'localiser-image',
  'coronal-image',
  'wrong-pixel-length',
  'unsupported-transfer-syntax',
  'repeated-file',
] as const;
export type FileFault = (typeof fileFaults)[number];
export type FileFaultCounts = Readonly<Record<FileFault, number>>;

/** Each site has one of these. */
export const tableFaults = [
  'clinical-row-too-long',
  'clinical-row-too-short',
  'clinical-cell-not-numeric',
  'empty-expression-profile',
] as const;
export type TableFault = (typeof tableFaults)[number];

const expectedReason: Readonly<Record<FileFault | TableFault, QuarantineReason>> = {
  'truncated-file': 'pixel-data-truncated',
  'text-file-named-dcm': 'not-dicom',
  'localiser-image': 'localiser-image',
  'coronal-image': 'not-axial',
  'wrong-pixel-length': 'pixel-length-mismatch',
  'unsupported-transfer-syntax': 'transfer-syntax-unsupported',
  'repeated-file': 'duplicate-image',
  'clinical-row-too-long': 'clinical-row-too-long',
  'clinical-row-too-short': 'clinical-row-too-short',
  'clinical-cell-not-numeric': 'clinical-cell-not-a-number',
  'empty-expression-profile': 'expression-patient-unusable',
};

/** Reason -> how often a site client is expected to count it. */
export function expectedQuarantine(files: FileFaultCounts): Partial<Record<QuarantineReason, number>> {
  const counts: Partial<Record<QuarantineReason, number>> = {};
  const add = (fault: FileFault | TableFault, count: number) => {
    if (count > 0) counts[expectedReason[fault]] = (counts[expectedReason[fault]] ?? 0) + count;
  };
  for (const fault of fileFaults) add(fault, files[fault]);
  for (const fault of tableFaults) add(fault, 1);
  return counts;
}
