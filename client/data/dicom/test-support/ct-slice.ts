/** A CT slice for tests: a disc of tissue in air with a bright spot, in any transfer syntax that stores 16 bits as they are. */
import { type DicomElement, type Encapsulated, writeDicom } from './write-dicom.ts';

export const SYNTAX = {
  implicit: '1.2.840.10008.1.2',
  explicit: '1.2.840.10008.1.2.1',
  deflated: '1.2.840.10008.1.2.1.99',
  bigEndian: '1.2.840.10008.1.2.2',
  jpegBaseline: '1.2.840.10008.1.2.4.50',
  jpegLossless: '1.2.840.10008.1.2.4.70',
  jpegLs: '1.2.840.10008.1.2.4.80',
  jpeg2000: '1.2.840.10008.1.2.4.90',
  rle: '1.2.840.10008.1.2.5',
} as const;

export interface CtSlice {
  readonly transferSyntax?: string;
  readonly patient?: string;
  readonly study?: string;
  readonly series?: string;
  readonly instance?: string;
  readonly instanceNumber?: number;
  /** Millimetres. */
  readonly z?: number;
  readonly sizePixels?: number;
  /** Stored numbers; default `discPattern`. */
  readonly pixels?: Int16Array | Uint8Array;
  /** Instead of `pixels`, already compressed. */
  readonly encapsulated?: Encapsulated;
  /** Put in place of, or beside, the elements of the same tag; null takes one out. */
  readonly change?: Readonly<Record<string, DicomElement | null>>;
}

/** Hounsfield units of the test disc: air around tissue around a spot whose place depends on `turn`. */
export function discPattern(sizePixels: number, turn = 0): Int16Array {
  const pixels = new Int16Array(sizePixels * sizePixels);
  const centre = (sizePixels - 1) / 2;
  const spotX = centre + 0.25 * sizePixels * Math.cos(turn);
  const spotY = centre + 0.25 * sizePixels * Math.sin(turn);
  for (let y = 0; y < sizePixels; y += 1) {
    for (let x = 0; x < sizePixels; x += 1) {
      const inside = Math.hypot(x - centre, y - centre) < 0.45 * sizePixels;
      const spot = Math.hypot(x - spotX, y - spotY) < 0.1 * sizePixels;
      pixels[y * sizePixels + x] = spot ? 300 + ((x * 7 + y * 3) % 50) : inside ? 40 + ((x + y) % 9) : -1000;
    }
  }
  return pixels;
}

function text(tag: string, vr: string, value: string): DicomElement {
  return { tag, vr, value };
}

function number(tag: string, value: number): DicomElement {
  return { tag, vr: 'US', value: [value] };
}

function swapped(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.from(bytes).swap16());
}

/** A whole file. With the defaults, stored numbers are Hounsfield units plus 1024. */
export function ctSlice(slice: CtSlice = {}): Uint8Array {
  const { transferSyntax = SYNTAX.explicit, sizePixels = 32, z = 0, instanceNumber = 1, change = {} } = slice;
  const pixels = slice.pixels ?? discPattern(sizePixels).map((value) => value + 1024);
  const bits = pixels.BYTES_PER_ELEMENT * 8;
  const elements: DicomElement[] = [
    text('00080008', 'CS', 'ORIGINAL\\PRIMARY\\AXIAL'),
    text('00080016', 'UI', '1.2.840.10008.5.1.4.1.1.2'),
    text('00080018', 'UI', slice.instance ?? `1.2.3.4.${instanceNumber}`),
    text('00080060', 'CS', 'CT'),
    text('00100020', 'LO', slice.patient ?? 'P-001'),
    text('0020000d', 'UI', slice.study ?? '1.2.3.1'),
    text('0020000e', 'UI', slice.series ?? '1.2.3.2'),
    text('00200013', 'IS', String(instanceNumber)),
    text('00200032', 'DS', `-100\\-100\\${z}`),
    text('00200037', 'DS', '1\\0\\0\\0\\1\\0'),
    number('00280002', 1),
    text('00280004', 'CS', 'MONOCHROME2'),
    number('00280010', sizePixels),
    number('00280011', sizePixels),
    number('00280100', bits),
    number('00280101', bits),
    number('00280102', bits - 1),
    number('00280103', bits === 16 ? 1 : 0),
    text('00281052', 'DS', '-1024'),
    text('00281053', 'DS', '1'),
  ];
  const kept = elements.filter(({ tag }) => !(tag in change));
  const changed = Object.values(change).filter((element) => element !== null);
  const stored = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  const native = transferSyntax === SYNTAX.bigEndian && bits === 16 ? swapped(stored) : stored;
  return writeDicom({
    transferSyntax,
    elements: [...kept, ...changed],
    pixelData: slice.encapsulated ?? native,
    pixelVr: bits === 16 ? 'OW' : 'OB',
  });
}
