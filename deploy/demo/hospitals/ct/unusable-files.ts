/** Makes the files that no site client can use: damaged, of another kind, or there twice. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import { paintFrontalView } from '../chest/frontal-view.ts';
import { createSliceCanvas } from '../chest/slice-canvas.ts';
import type { FileFault } from '../planted-faults.ts';
import type { CtDepartment, CtExam, CtFile } from './ct-exam.ts';
import { imageFileName, seriesFolder } from './ct-exam.ts';
import type { CtEncoding, CtImage, CtSeries } from './ct-image.ts';
import { encodeCtImage } from './ct-image.ts';
import { seededUid } from './dicom-uid.ts';
import { scanSlice } from './scanner.ts';

/** MPEG2 Main Profile: a video, which no CT slice is. */
const VIDEO_TRANSFER_SYNTAX = '1.2.840.10008.1.2.4.100';
const CORONAL = [1, 0, 0, 0, 0, -1] as const;

export interface FaultOptions {
  department: CtDepartment;
  exam: CtExam;
  random: SeededRandom;
  /** Which one of its kind, so that no two are the same file. */
  ordinal: number;
}

/** Files that lie among an examination's good ones; each takes nothing away from them. */
export const makeUnusableFile: Readonly<Record<FileFault, (options: FaultOptions) => CtFile>> = {
  'truncated-file': (options) => {
    const file = extraSlice(options, { name: 'truncated', encoding: { transferSyntax: 'explicitLittleEndian' } });
    return { ...file, bytes: file.bytes.subarray(0, Math.floor(0.6 * file.bytes.length)) };
  },
  'text-file-named-dcm': ({ exam, ordinal }) => ({
    folder: seriesFolder(exam.study.patient, exam.series),
    name: `export-log-${ordinal + 1}.dcm`,
    bytes: Buffer.from('Export finished. Number of images sent: see archive.\n'.repeat(8), 'latin1'),
  }),
  'localiser-image': (options) =>
    frontalImage(options, {
      name: 'localiser',
      number: 1,
      imageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'],
      description: 'Scout',
    }),
  'coronal-image': (options) =>
    frontalImage(options, {
      name: 'coronal',
      number: 3,
      imageType: ['DERIVED', 'SECONDARY', 'REFORMATTED'],
      description: 'Chest coronal',
    }),
  'wrong-pixel-length': (options) =>
    extraSlice(options, {
      name: 'wrong length',
      encoding: { transferSyntax: 'explicitLittleEndian', missingPixelBytes: 1024 },
    }),
  'unsupported-transfer-syntax': (options) =>
    extraSlice(options, {
      name: 'unsupported',
      encoding: { transferSyntax: 'rleLossless', claimedTransferSyntaxUid: VIDEO_TRANSFER_SYNTAX },
    }),
  'repeated-file': ({ exam, random, ordinal }) => {
    const original = exam.files[random.int(exam.files.length)]!;
    return { ...original, name: `copy-${ordinal + 1}-${original.name}` };
  },
};

/** One more slice below the last one of the axial series. */
function extraSlice(
  { department, exam, ordinal }: FaultOptions,
  { name, encoding }: { name: string; encoding: Omit<CtEncoding, 'jpegLs'> },
): CtFile {
  const { study, series, images } = exam;
  const lowest = images.reduce((below, image) => (image.position[2] < below.position[2] ? image : below));
  const image: CtImage = {
    ...lowest,
    sopInstanceUid: seededUid(department.seed, study.patient.id, name, ordinal),
    instanceNumber: images.length + 1,
    position: [lowest.position[0], lowest.position[1], lowest.position[2] - study.scanner.sliceSpacingMillimetres],
  };
  return {
    folder: seriesFolder(study.patient, series),
    name: imageFileName(image),
    bytes: encodeCtImage(study, series, { image, encoding: { ...encoding, jpegLs: department.jpegLs } }),
  };
}

function frontalImage(
  { department, exam, random, ordinal }: FaultOptions,
  view: { name: string; number: number; imageType: readonly string[]; description: string },
): CtFile {
  const { sizePixels, scanner, noise, seed, jpegLs } = department;
  const { study, anatomy } = exam;
  const spacing = exam.series.pixelSpacingMillimetres;
  const canvas = createSliceCanvas({ sizePixels, spacingMillimetres: spacing, frame: anatomy.frame });
  paintFrontalView(canvas, anatomy);
  const stored = scanSlice(canvas, random, {
    scanner: { ...scanner, table: 'outside-the-picture' },
    noise,
    doseFactor: 0.5,
    bodyHalfDepth: anatomy.bodyHalfDepth,
  });
  const series: CtSeries = {
    ...view,
    uid: seededUid(seed, study.patient.id, view.name),
    orientation: CORONAL,
    pixelSpacingMillimetres: spacing,
  };
  const middle = ((sizePixels - 1) / 2) * spacing;
  const image: CtImage = {
    sopInstanceUid: seededUid(seed, study.patient.id, view.name, ordinal),
    instanceNumber: ordinal + 1,
    position: [-middle, 10 * ordinal, middle + exam.images[0]!.position[2]],
    sizePixels,
    stored,
  };
  return {
    folder: seriesFolder(study.patient, series),
    name: imageFileName(image),
    bytes: encodeCtImage(study, series, { image, encoding: { transferSyntax: exam.transferSyntax, jpegLs } }),
  };
}
