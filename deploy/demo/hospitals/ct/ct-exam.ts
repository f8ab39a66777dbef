/** One patient's CT examination: paints the slices, scans them and encodes them as DICOM files. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import type { ChestAnatomy } from '../chest/chest-anatomy.ts';
import { drawChestAnatomy } from '../chest/chest-anatomy.ts';
import { paintChestSlice } from '../chest/chest-slice.ts';
import { drawLungFindings, drawRadiologicalExtent } from '../chest/lung-findings.ts';
import { createSliceCanvas } from '../chest/slice-canvas.ts';
import type { TissueTextures } from '../chest/tissue-textures.ts';
import type { SyntheticPatient } from '../patients.ts';
import type { CtImage, CtSeries, CtStudy } from './ct-image.ts';
import { encodeCtImage } from './ct-image.ts';
import { seededUid } from './dicom-uid.ts';
import type { TransferSyntaxName } from './dicom-writer.ts';
import type { JpegLsEncoder } from './jpeg-ls-encoder.ts';
import type { Scanner } from './scanner.ts';
import { scanSlice } from './scanner.ts';

/** A file and where it lies below the site's `ct` folder. */
export interface CtFile {
  folder: string;
  name: string;
  bytes: Uint8Array;
}

/** What the patients of one site have in common. */
export interface CtDepartment {
  seed: number | string;
  institution: string;
  scanner: Scanner;
  noise: Float32Array;
  textures: TissueTextures;
  jpegLs: JpegLsEncoder;
  sizePixels: number;
}

export interface CtExam {
  study: CtStudy;
  /** The axial series, and its images from the first acquired to the last. */
  series: CtSeries;
  images: CtImage[];
  anatomy: ChestAnatomy;
  transferSyntax: TransferSyntaxName;
  files: CtFile[];
}

/** The slices lie in this part of the lungs' height: above it they are narrow, below it is mostly liver. */
const FIRST_LEVEL = 0.1;
const LEVELS = 0.82;
const AXIAL = [1, 0, 0, 0, 1, 0] as const;

export function makeCtExam(
  random: SeededRandom,
  options: { department: CtDepartment; patient: SyntheticPatient; transferSyntax: TransferSyntaxName },
): CtExam {
  const { department, patient, transferSyntax } = options;
  const { scanner, sizePixels, seed } = department;
  const anatomy = drawChestAnatomy(random.fork('anatomy'), patient, scanner);
  const own = random.fork('exam');
  const { smallest, largest } = scanner.fieldOfViewMillimetres;
  const fieldOfView = Math.max(smallest + (largest - smallest) * own.next(), 2.02 * anatomy.bodyHalfWidth);
  const study: CtStudy = {
    institution: department.institution,
    scanner,
    patient,
    date: `2024${String(1 + own.int(12)).padStart(2, '0')}${String(1 + own.int(28)).padStart(2, '0')}`,
    studyUid: seededUid(seed, patient.id, 'study'),
    frameOfReferenceUid: seededUid(seed, patient.id, 'frame of reference'),
    contrastMedium: anatomy.contrastMedium,
  };
  const series: CtSeries = {
    uid: seededUid(seed, patient.id, 'axial'),
    number: 2,
    description: 'Chest axial',
    imageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
    orientation: AXIAL,
    // Files carry three digits after the point.
    pixelSpacingMillimetres: Math.round((1000 * fieldOfView) / sizePixels) / 1000,
  };
  const images = acquire(random, { department, patient, series, anatomy, doseFactor: 0.75 + 0.6 * own.next() });
  const encoding = { transferSyntax, jpegLs: department.jpegLs };
  const files = images.map((image) => ({
    folder: seriesFolder(patient, series),
    name: imageFileName(image),
    bytes: encodeCtImage(study, series, { image, encoding }),
  }));
  return { study, series, images, anatomy, transferSyntax, files };
}

export const seriesFolder = (patient: { id: string }, series: CtSeries): string =>
  `${patient.id}/series-${series.number}`;

/** As from an archive: the order of the names says nothing of the order of the slices. */
export const imageFileName = (image: CtImage): string => `${image.sopInstanceUid.slice(-10)}.dcm`;

interface Acquisition {
  department: CtDepartment;
  patient: SyntheticPatient;
  series: CtSeries;
  anatomy: ChestAnatomy;
  doseFactor: number;
}

function acquire(random: SeededRandom, acquisition: Acquisition): CtImage[] {
  const { department, patient, series, anatomy, doseFactor } = acquisition;
  const { scanner, sizePixels, textures, noise, seed } = department;
  const spacing = series.pixelSpacingMillimetres;
  const step = scanner.sliceSpacingMillimetres;
  const count = Math.min(10, Math.max(6, 1 + Math.floor((LEVELS * anatomy.lungHeight) / step)));
  const canvas = createSliceCanvas({ sizePixels, spacingMillimetres: spacing, frame: anatomy.frame });
  const extent = drawRadiologicalExtent(random.fork('extent'), patient.severity);
  const corner = -((sizePixels - 1) / 2) * spacing;
  // The scan begins a little before the lungs, at whatever height the table stood.
  const top = random.fork('table').int(200) - 100;
  const images = Array.from({ length: count }, (_, place): CtImage => {
    const slice = random.fork(`slice ${place}`);
    const level = FIRST_LEVEL + (place * step) / anatomy.lungHeight;
    const findings = drawLungFindings(slice.fork('findings'), extent);
    paintChestSlice(canvas, slice.fork('chest'), { anatomy, findings, textures, level });
    return {
      sopInstanceUid: seededUid(seed, patient.id, 'axial', place),
      instanceNumber: scanner.headFirst ? place + 1 : count - place,
      position: [corner, corner, top - place * step],
      sizePixels,
      stored: scanSlice(canvas, slice.fork('scan'), {
        scanner,
        noise,
        doseFactor,
        bodyHalfDepth: anatomy.bodyHalfDepth,
      }),
    };
  });
  return scanner.headFirst ? images : images.reverse();
}
