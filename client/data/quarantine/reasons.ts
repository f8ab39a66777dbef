/**
 * Why something could not be used: the closed list of reasons, each with the sentence that inspection and reports show.
 * Counts by these codes may leave the site, so neither code nor sentence may ever hold anything read from the data.
 */

const MEANINGS = {
  // Files
  'file-unreadable': 'The file could not be opened or read.',
  'file-too-large': 'The file is larger than this client reads.',
  'folder-unreadable': 'The folder could not be opened, or lies too deep.',
  'not-dicom': 'The file is not a DICOM file: the mark DICM at byte 128 is missing.',
  'dicom-malformed': 'The DICOM header is damaged and cannot be read.',
  'dicom-too-many-elements': 'The DICOM header has more elements, or is longer, than this client reads.',
  'dicom-nested-too-deep': 'The DICOM header nests sequences too deep.',
  'inflated-too-large': 'The deflated DICOM file unpacks to more than this client reads.',
  'transfer-syntax-unsupported': 'The transfer syntax is not one this client decodes.',
  'jpeg-12-bit-unsupported': 'The image is 12-bit lossy JPEG, which this client does not decode.',
  'jpeg-progressive-unsupported':
    'The image is in a retired progressive JPEG process, which this client does not decode.',
  'htj2k-unsupported': 'The image is high-throughput JPEG 2000, which this client does not decode.',
  'no-pixel-data': 'The DICOM file holds no image.',
  'image-attributes-missing': 'Rows, columns or bits of the image are missing or contradict each other.',
  'image-size-out-of-bounds': 'The image has fewer or more rows, columns or frames than this client reads.',
  'pixel-format-unsupported': 'The image is not single-channel grey with 8 or 16 bits.',
  'pixel-length-mismatch': 'The length of the pixel data does not fit the size of the image.',
  'pixel-data-truncated': 'The file ends before its pixel data does.',
  'pixel-data-damaged': 'The compressed pixel data is damaged.',
  'codestream-mismatch': 'The compressed image has another size or depth than the header says.',
  'frames-not-found': 'The frames could not be told apart in the pixel data.',
  'decoder-crashed': 'Reading the file made the decoder crash; the decoder was replaced.',
  'decoder-timed-out': 'Reading the file took too long and was stopped.',
  // Images that are whole but not wanted
  'not-ct': 'The image comes from another modality than CT.',
  'secondary-capture': 'The image is a secondary capture, such as a screen or a dose sheet.',
  'localiser-image': 'The image is a localiser.',
  'derived-image': 'The image is a projection, a rendering or another derived picture, not a slice.',
  'burned-in-annotation': 'The image has annotations burned into its pixels, which could identify the patient.',
  'not-axial': 'The slice is not axial: its normal is more than 20 degrees off the body axis.',
  'duplicate-image': 'The same image was found before in another file.',
  'duplicate-position': 'Another slice of the series lies at the same position.',
  'patient-id-missing': 'The image names no patient and lies in no patient folder.',
  // Clinical table
  'clinical-table-unreadable': 'The clinical table could not be read as a table with a heading row.',
  'clinical-row-damaged': 'The row could not be split into cells, for example because of a stray quotation mark.',
  'clinical-row-too-long': 'The row has more cells than the table has headings, so its cells cannot be trusted.',
  'clinical-row-too-short': 'The row has fewer cells than the table has headings; the missing ones count as empty.',
  'clinical-row-without-id': 'The row names no patient.',
  'clinical-row-duplicate-patient': 'The patient has an earlier row, which is used.',
  'clinical-cell-not-a-number': 'The cell of a numeric column holds something else; it counts as empty.',
  'clinical-cell-unknown-category': 'The cell holds a category that the field does not know; it counts as empty.',
  // Expression table
  'expression-table-unreadable': 'The expression table could not be read as a table of genes and patients.',
  'expression-table-without-plan-genes': "The expression table holds none of the plan's genes.",
  'expression-row-damaged': 'The row has another number of cells than the table has headings, or is too long.',
  'expression-cell-not-a-number': 'The cell holds no number; it counts as the mean.',
  'expression-patient-without-id': 'The profile names no patient.',
  'expression-patient-duplicate': 'The patient has an earlier profile, which is used.',
  'expression-patient-unusable': 'Fewer than half of the genes of the profile have a value.',
} as const;

export type QuarantineReason = keyof typeof MEANINGS;

export const QUARANTINE_REASONS = Object.keys(MEANINGS) as readonly QuarantineReason[];

/** One plain sentence for people. */
export function meaningOf(reason: QuarantineReason): string {
  return MEANINGS[reason];
}
