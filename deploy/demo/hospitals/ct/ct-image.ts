/** One CT image as a DICOM file: the attributes of the CT Image IOD (PS3.3 A.3) that its readers use. */

import { seededUid } from './dicom-uid.ts';
import type { DicomElement, TransferSyntaxName } from './dicom-writer.ts';
import { encodeDicomFile } from './dicom-writer.ts';
import type { JpegLsEncoder } from './jpeg-ls-encoder.ts';
import { encodeRle } from './rle-encoder.ts';
import type { Scanner } from './scanner.ts';

const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2';
const IMPLEMENTATION_CLASS_UID = seededUid('implementation class');

export interface CtStudy {
  institution: string;
  scanner: Scanner;
  patient: { id: string; sex: 'female' | 'male'; ageYears: number };
  /** YYYYMMDD */
  date: string;
  studyUid: string;
  frameOfReferenceUid: string;
  contrastMedium: boolean;
}

export interface CtSeries {
  uid: string;
  number: number;
  description: string;
  imageType: readonly string[];
  /** Direction of the rows, then of the columns, as unit vectors towards the patient's left, back and head. */
  orientation: readonly [number, number, number, number, number, number];
  pixelSpacingMillimetres: number;
}

export interface CtImage {
  sopInstanceUid: string;
  instanceNumber: number;
  /** The centre of the first pixel, millimetres towards the patient's left, back and head. */
  position: readonly [number, number, number];
  sizePixels: number;
  /** [size, size] stored values as `study.scanner.storage` describes them. */
  stored: Int32Array;
}

export interface CtEncoding {
  transferSyntax: TransferSyntaxName;
  claimedTransferSyntaxUid?: string;
  jpegLs: JpegLsEncoder;
  /** Leaves this many bytes of the pixel data out, to make a file whose pixel data does not fit its size. */
  missingPixelBytes?: number;
}

export function encodeCtImage(
  study: CtStudy,
  series: CtSeries,
  { image, encoding }: { image: CtImage; encoding: CtEncoding },
): Uint8Array {
  const samples = toLittleEndian(image.stored);
  return encodeDicomFile({
    transferSyntax: encoding.transferSyntax,
    ...(encoding.claimedTransferSyntaxUid ? { claimedTransferSyntaxUid: encoding.claimedTransferSyntaxUid } : {}),
    sopClassUid: CT_IMAGE_STORAGE,
    sopInstanceUid: image.sopInstanceUid,
    implementationClassUid: IMPLEMENTATION_CLASS_UID,
    elements: attributes(study, series, image),
    pixelData: encodePixels(samples, { study, image, encoding }),
  });
}

function encodePixels(
  samples: Uint8Array,
  { study, image, encoding }: { study: CtStudy; image: CtImage; encoding: CtEncoding },
): Uint8Array {
  const { sizePixels } = image;
  switch (encoding.transferSyntax) {
    case 'explicitLittleEndian':
    case 'implicitLittleEndian':
      return samples.subarray(0, samples.length - (encoding.missingPixelBytes ?? 0));
    case 'rleLossless':
      return encodeRle(samples, { columns: sizePixels });
    case 'jpegLsLossless':
      return encoding.jpegLs({ samples, sizePixels, bitsStored: study.scanner.storage.bitsStored });
    default:
      return encoding.transferSyntax satisfies never;
  }
}

function attributes(study: CtStudy, series: CtSeries, image: CtImage): DicomElement[] {
  const { scanner, patient } = study;
  const { storage } = scanner;
  const spacing = decimal(series.pixelSpacingMillimetres);
  const optional = (condition: boolean, element: DicomElement): DicomElement[] => (condition ? [element] : []);
  return [
    { tag: 0x00080005, vr: 'CS', value: 'ISO_IR 100' },
    { tag: 0x00080008, vr: 'CS', value: series.imageType.join('\\') },
    { tag: 0x00080016, vr: 'UI', value: CT_IMAGE_STORAGE },
    { tag: 0x00080018, vr: 'UI', value: image.sopInstanceUid },
    { tag: 0x00080020, vr: 'DA', value: study.date },
    { tag: 0x00080030, vr: 'TM', value: '' },
    { tag: 0x00080050, vr: 'SH', value: '' },
    { tag: 0x00080060, vr: 'CS', value: 'CT' },
    { tag: 0x00080070, vr: 'LO', value: scanner.manufacturer },
    { tag: 0x00080080, vr: 'LO', value: study.institution },
    { tag: 0x00080090, vr: 'PN', value: '' },
    { tag: 0x0008103e, vr: 'LO', value: series.description },
    { tag: 0x00081090, vr: 'LO', value: scanner.model },
    { tag: 0x00100010, vr: 'PN', value: `SYNTHETIC^${patient.id}` },
    { tag: 0x00100020, vr: 'LO', value: patient.id },
    { tag: 0x00100030, vr: 'DA', value: '' },
    { tag: 0x00100040, vr: 'CS', value: patient.sex === 'female' ? 'F' : 'M' },
    { tag: 0x00101010, vr: 'AS', value: `${String(patient.ageYears).padStart(3, '0')}Y` },
    ...optional(study.contrastMedium, { tag: 0x00180010, vr: 'LO', value: 'IODINATED CONTRAST' }),
    { tag: 0x00180015, vr: 'CS', value: 'CHEST' },
    { tag: 0x00180050, vr: 'DS', value: decimal(scanner.sliceThicknessMillimetres) },
    { tag: 0x00180060, vr: 'DS', value: '120' },
    { tag: 0x00180088, vr: 'DS', value: decimal(scanner.sliceSpacingMillimetres) },
    { tag: 0x00181100, vr: 'DS', value: decimal(series.pixelSpacingMillimetres * image.sizePixels) },
    { tag: 0x00181210, vr: 'SH', value: scanner.kernelName },
    { tag: 0x00185100, vr: 'CS', value: scanner.headFirst ? 'HFS' : 'FFS' },
    { tag: 0x0020000d, vr: 'UI', value: study.studyUid },
    { tag: 0x0020000e, vr: 'UI', value: series.uid },
    { tag: 0x00200010, vr: 'SH', value: '1' },
    { tag: 0x00200011, vr: 'IS', value: String(series.number) },
    { tag: 0x00200012, vr: 'IS', value: '1' },
    { tag: 0x00200013, vr: 'IS', value: String(image.instanceNumber) },
    { tag: 0x00200032, vr: 'DS', value: image.position.map(decimal).join('\\') },
    { tag: 0x00200037, vr: 'DS', value: series.orientation.map(decimal).join('\\') },
    { tag: 0x00200052, vr: 'UI', value: study.frameOfReferenceUid },
    { tag: 0x00201040, vr: 'LO', value: '' },
    { tag: 0x00201041, vr: 'DS', value: decimal(image.position[2]) },
    { tag: 0x00280002, vr: 'US', value: 1 },
    { tag: 0x00280004, vr: 'CS', value: 'MONOCHROME2' },
    { tag: 0x00280010, vr: 'US', value: image.sizePixels },
    { tag: 0x00280011, vr: 'US', value: image.sizePixels },
    { tag: 0x00280030, vr: 'DS', value: `${spacing}\\${spacing}` },
    { tag: 0x00280100, vr: 'US', value: 16 },
    { tag: 0x00280101, vr: 'US', value: storage.bitsStored },
    { tag: 0x00280102, vr: 'US', value: storage.bitsStored - 1 },
    { tag: 0x00280103, vr: 'US', value: storage.signed ? 1 : 0 },
    ...optional(storage.paddingValue !== null, { tag: 0x00280120, vr: 'SS', value: storage.paddingValue ?? 0 }),
    { tag: 0x00281050, vr: 'DS', value: '-600' },
    { tag: 0x00281051, vr: 'DS', value: '1500' },
    { tag: 0x00281052, vr: 'DS', value: decimal(storage.rescaleIntercept) },
    { tag: 0x00281053, vr: 'DS', value: '1' },
    { tag: 0x00281054, vr: 'LO', value: 'HU' },
  ];
}

/** A decimal string (PS3.5 section 6.2 allows 16 characters) with at most three digits after the point. */
function decimal(value: number): string {
  return String(Number(value.toFixed(3)) + 0);
}

function toLittleEndian(stored: Int32Array): Uint8Array {
  const bytes = new Uint8Array(2 * stored.length);
  for (let index = 0; index < stored.length; index += 1) {
    bytes[2 * index] = stored[index]! & 0xff;
    bytes[2 * index + 1] = (stored[index]! >> 8) & 0xff;
  }
  return bytes;
}
