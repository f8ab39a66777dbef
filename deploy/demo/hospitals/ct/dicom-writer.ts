/**
 * Writes DICOM files (PS3.10 chapter 7): preamble, file meta information, then the data set in the file's transfer syntax.
 *
 * Only what the demo's CT images need: no sequences, and pixel data of one frame.
 */

export const transferSyntaxes = {
  implicitLittleEndian: '1.2.840.10008.1.2',
  explicitLittleEndian: '1.2.840.10008.1.2.1',
  rleLossless: '1.2.840.10008.1.2.5',
  jpegLsLossless: '1.2.840.10008.1.2.4.80',
} as const;
export type TransferSyntaxName = keyof typeof transferSyntaxes;

export type DicomElement =
  | { tag: number; vr: 'AS' | 'CS' | 'DA' | 'DS' | 'IS' | 'LO' | 'PN' | 'SH' | 'TM' | 'UI'; value: string }
  | { tag: number; vr: 'US' | 'SS'; value: number };

export interface DicomFile {
  transferSyntax: TransferSyntaxName;
  /** Written into the file meta information instead of the true one, to make a file that no reader can decode. */
  claimedTransferSyntaxUid?: string;
  sopClassUid: string;
  sopInstanceUid: string;
  implementationClassUid: string;
  /** All but the pixel data, in rising order of their tags, each tag once. Text is of the default repertoire (ASCII). */
  elements: readonly DicomElement[];
  /** Little-endian samples, or the one frame's compressed stream when the transfer syntax is a compressed one. */
  pixelData: Uint8Array;
}

const PIXEL_DATA = 0x7fe00010;
const ITEM = 0xfffee000;
const SEQUENCE_DELIMITATION = 0xfffee0dd;
const UNDEFINED_LENGTH = 0xffffffff;

/** @throws {RangeError} when elements are out of order or one is too long for its length field. */
export function encodeDicomFile(file: DicomFile): Uint8Array {
  let before = 0;
  for (const { tag } of file.elements) {
    if (tag <= before || tag >= PIXEL_DATA) {
      throw new RangeError(
        `Cannot write a DICOM data set: tags must rise and lie before the pixel data, found ${hex(tag)} after ${hex(before)}`,
      );
    }
    before = tag;
  }
  const explicit = file.transferSyntax !== 'implicitLittleEndian';
  const parts: Uint8Array[] = [fileMetaInformation(file)];
  for (const element of file.elements) parts.push(encodeElement(element, { explicit }));
  parts.push(...encodePixelData(file));
  return Buffer.concat(parts);
}

/** PS3.10 section 7.1: always explicit little-endian; its group length counts the bytes that follow that element. */
function fileMetaInformation(file: DicomFile): Buffer {
  const version = Buffer.alloc(14);
  version.writeUInt16LE(0x0002, 0);
  version.writeUInt16LE(0x0001, 2);
  version.write('OB', 4, 'latin1');
  version.writeUInt32LE(2, 8);
  version.writeUInt8(1, 13);
  const identifiers: DicomElement[] = [
    { tag: 0x00020002, vr: 'UI', value: file.sopClassUid },
    { tag: 0x00020003, vr: 'UI', value: file.sopInstanceUid },
    { tag: 0x00020010, vr: 'UI', value: file.claimedTransferSyntaxUid ?? transferSyntaxes[file.transferSyntax] },
    { tag: 0x00020012, vr: 'UI', value: file.implementationClassUid },
    { tag: 0x00020013, vr: 'SH', value: 'WARDROUND_DEMO' },
  ];
  const body = Buffer.concat([version, ...identifiers.map((element) => encodeElement(element, { explicit: true }))]);
  const opening = Buffer.alloc(128 + 4 + 12);
  opening.write('DICM', 128, 'latin1');
  opening.writeUInt16LE(0x0002, 132);
  opening.write('UL', 136, 'latin1');
  opening.writeUInt16LE(4, 138);
  opening.writeUInt32LE(body.length, 140);
  return Buffer.concat([opening, body]);
}

/** PS3.5 section 7.1: the short form of explicit elements, or the implicit form with a four-byte length. */
function encodeElement(element: DicomElement, { explicit }: { explicit: boolean }): Buffer {
  const value = encodeValue(element);
  if (explicit && value.length > 0xffff) {
    throw new RangeError(
      `Cannot write DICOM element ${hex(element.tag)}: ${element.vr} holds at most 65535 bytes, found ${value.length}`,
    );
  }
  const header = Buffer.alloc(8);
  header.writeUInt16LE(element.tag >>> 16, 0);
  header.writeUInt16LE(element.tag & 0xffff, 2);
  if (explicit) {
    header.write(element.vr, 4, 'latin1');
    header.writeUInt16LE(value.length, 6);
  } else {
    header.writeUInt32LE(value.length, 4);
  }
  return Buffer.concat([header, value]);
}

function encodeValue(element: DicomElement): Buffer {
  if (typeof element.value === 'number') {
    const value = Buffer.alloc(2);
    if (element.vr === 'US') value.writeUInt16LE(element.value);
    else value.writeInt16LE(element.value);
    return value;
  }
  // PS3.5 section 6.2: values have even length; identifiers are padded with a null, other text with a blank.
  const padding = element.value.length % 2 === 0 ? '' : element.vr === 'UI' ? '\0' : ' ';
  return Buffer.from(element.value + padding, 'latin1');
}

function encodePixelData({ transferSyntax, pixelData }: DicomFile): Uint8Array[] {
  const even = pixelData.length % 2 === 0 ? pixelData : Buffer.concat([pixelData, Buffer.alloc(1)]);
  if (transferSyntax === 'implicitLittleEndian') return [tagAndLength(PIXEL_DATA, even.length), even];
  const encapsulated = transferSyntax !== 'explicitLittleEndian';
  const header = Buffer.alloc(12);
  header.writeUInt16LE(PIXEL_DATA >>> 16, 0);
  header.writeUInt16LE(PIXEL_DATA & 0xffff, 2);
  header.write(encapsulated ? 'OB' : 'OW', 4, 'latin1');
  header.writeUInt32LE(encapsulated ? UNDEFINED_LENGTH : even.length, 8);
  if (!encapsulated) return [header, even];
  // PS3.5 annex A.4: an empty basic offset table, one fragment, the delimiter.
  return [header, tagAndLength(ITEM, 0), tagAndLength(ITEM, even.length), even, tagAndLength(SEQUENCE_DELIMITATION, 0)];
}

function tagAndLength(tag: number, length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(tag >>> 16, 0);
  bytes.writeUInt16LE(tag & 0xffff, 2);
  bytes.writeUInt32LE(length, 4);
  return bytes;
}

const hex = (tag: number) =>
  `(${(tag >>> 16).toString(16).padStart(4, '0')},${(tag & 0xffff).toString(16).padStart(4, '0')})`;
