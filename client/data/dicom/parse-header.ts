/**
 * dicom-parser behind bounds: it throws strings and plain objects, counts nothing and knows only the value
 * representations of its day. Whatever goes wrong in it leaves here as an UnusableError.
 */
import { inflateRawSync } from 'node:zlib';
import dicomParser, { type Element } from 'dicom-parser';
import { UnusableError } from '../quarantine/unusable-error.ts';
import { LIMITS } from './limits.ts';
import { TAGS } from './tags.ts';
import { type TransferSyntax, transferSyntaxOf } from './transfer-syntax.ts';

export interface ParsedHeader {
  readonly syntax: TransferSyntax;
  /** What the elements' offsets refer to: the file's bytes, or the unpacked ones of a deflated file. */
  readonly bytes: Uint8Array;
  readonly elements: Readonly<Record<string, Element | undefined>>;
}

const META_START = 132;
const META_GROUP = 0x0002;
/** Value representations with a 32-bit length that dicom-parser takes for ones with a 16-bit length (PS3.5, 7.1.2). */
const NEWER_LONG_FORMS = new Set(['OV', 'SV', 'UV']);

/** dicom-parser reads a 32-bit number or a short text for every element, item and fragment, so these reads are counted. */
export function guardedStream(bytes: Uint8Array, { position, bigEndian }: { position: number; bigEndian: boolean }) {
  const parser = bigEndian ? dicomParser.bigEndianByteArrayParser : dicomParser.littleEndianByteArrayParser;
  const stream = new dicomParser.ByteStream(parser, bytes, position);
  const { readFixedString, readUint32 } = stream;
  let reads = 0;
  const count = () => {
    reads += 1;
    if (reads > 2 * LIMITS.elements) throw new UnusableError('dicom-too-many-elements');
  };
  stream.readUint32 = () => {
    count();
    return readUint32.call(stream);
  };
  stream.readFixedString = (length) => {
    count();
    const text = readFixedString.call(stream, length);
    return length === 2 && NEWER_LONG_FORMS.has(text) ? 'OB' : text;
  };
  return stream;
}

/** Runs a part of dicom-parser and gives its failures a reason. A stack that runs over is its only sign of deep nesting. */
export function withParserErrors<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof UnusableError) throw error;
    throw new UnusableError(error instanceof RangeError ? 'dicom-nested-too-deep' : 'dicom-malformed');
  }
}

function hasDicomMark(bytes: Uint8Array): boolean {
  return bytes.length > META_START && String.fromCharCode(...bytes.subarray(128, META_START)) === 'DICM';
}

/** The file meta information is explicit little endian in every file (PS3.10, 7.1). */
function readMeta(bytes: Uint8Array): { uid: string; end: number } {
  const stream = guardedStream(bytes, { position: META_START, bigEndian: false });
  let uid = '';
  while (stream.position + 8 <= bytes.length) {
    if (bytes[stream.position]! + 256 * bytes[stream.position + 1]! !== META_GROUP) break;
    const element = dicomParser.readDicomElementExplicit(stream, []);
    if (element.tag === TAGS.transferSyntax)
      uid = dicomParser.readFixedString(bytes, element.dataOffset, element.length);
  }
  return { uid: uid.trim(), end: stream.position };
}

function inflate(bytes: Uint8Array): Uint8Array {
  try {
    return inflateRawSync(bytes, { maxOutputLength: LIMITS.inflatedBytes });
  } catch (error) {
    const tooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    throw new UnusableError(tooLarge ? 'inflated-too-large' : 'dicom-malformed');
  }
}

function parseElements(bytes: Uint8Array, { syntax, start }: { syntax: TransferSyntax; start: number }) {
  const elements: Record<string, Element | undefined> = {};
  if (start >= bytes.length) return elements;
  const stream = guardedStream(bytes, { position: start, bigEndian: syntax.bigEndian });
  // The parser asks no more of a data set than these two members; its reading methods are not used.
  const dataSet = { elements, warnings: [] } as unknown as dicomParser.DataSet;
  const parse = syntax.explicit ? dicomParser.parseDicomDataSetExplicit : dicomParser.parseDicomDataSetImplicit;
  parse(dataSet, stream, bytes.length, { untilTag: TAGS.pixelData });
  return elements;
}

/**
 * Reads the header up to the pixel data. `bytes` may be only the beginning of the file: then `more` says that the header
 * goes on behind them.
 *
 * @throws {UnusableError} when the file is not DICOM, is damaged, exceeds a limit or is in an unsupported transfer syntax.
 */
export function parseHeader(bytes: Uint8Array, { complete }: { complete: boolean }): ParsedHeader | 'more' {
  if (!hasDicomMark(bytes)) throw new UnusableError('not-dicom');
  try {
    return withParserErrors(() => {
      const meta = readMeta(bytes);
      if (meta.end > bytes.length) throw new UnusableError('dicom-malformed');
      const syntax = transferSyntaxOf(meta.uid);
      if (typeof syntax === 'string') throw new UnusableError(syntax);
      if (syntax.deflated && !complete) return 'more';
      const body = syntax.deflated ? inflate(bytes.subarray(meta.end)) : bytes;
      const elements = parseElements(body, { syntax, start: syntax.deflated ? 0 : meta.end });
      if (elements[TAGS.pixelData] === undefined && !complete) return 'more';
      return { syntax, bytes: body, elements };
    });
  } catch (error) {
    // A header that is cut off looks damaged; only the whole file tells.
    if (!complete && error instanceof UnusableError && error.reason === 'dicom-malformed') return 'more';
    throw error;
  }
}
