/** Everything the intake needs to know of one DICOM file before it decodes it, and nothing that names anybody. */
import { type KeyedHash, keyedHash, patientKey } from '../keyed-hash.ts';
import { UnusableError } from '../quarantine/unusable-error.ts';
import { type ElementSource, integerValue, sequenceItems, textValue } from './element-values.ts';
import type { ParsedHeader } from './parse-header.ts';
import { type PixelFormat, readPixelFormat } from './pixel-format.ts';
import { hounsfieldRescale, type Rescale } from './rescale.ts';
import { type SliceGeometry, sliceGeometry } from './slice-geometry.ts';
import { TAGS } from './tags.ts';
import type { PixelEncoding } from './transfer-syntax.ts';

export interface FrameHeader extends SliceGeometry {
  /** To Hounsfield units; null when the frame is not in them. */
  readonly rescale: Rescale | null;
}

/** Where the pixel data lies, in the file or in the unpacked bytes of a deflated one. */
export interface PixelLocation {
  readonly offset: number;
  /** null for encapsulated (compressed) pixel data. */
  readonly length: number | null;
  readonly deflated: boolean;
  readonly bigEndian: boolean;
}

export interface ImageHeader {
  readonly syntaxName: string;
  readonly encoding: PixelEncoding;
  readonly format: PixelFormat;
  readonly pixels: PixelLocation;
  /** Keyed hashes; null when the file does not carry the identifier. */
  readonly patient: KeyedHash | null;
  readonly series: KeyedHash | null;
  readonly instance: KeyedHash | null;
  readonly instanceNumber: number | null;
  /** One for each frame. */
  readonly frames: readonly FrameHeader[];
}

export function elementSource({ bytes, elements, syntax }: ParsedHeader): ElementSource {
  return { bytes, elements, bigEndian: syntax.bigEndian };
}

function locatePixels(parsed: ParsedHeader, format: PixelFormat): PixelLocation {
  const element = parsed.elements[TAGS.pixelData];
  if (element === undefined) throw new UnusableError('no-pixel-data');
  const { deflated, bigEndian, pixels } = parsed.syntax;
  const encapsulated = element.hadUndefinedLength === true;
  if (encapsulated !== (pixels !== 'native')) throw new UnusableError('pixel-length-mismatch');
  if (!encapsulated) {
    const expected = (format.rows * format.columns * format.frames * format.bitsAllocated) / 8;
    // An odd length is padded to even (PS3.5, 8.1.1).
    if (element.length !== expected && element.length !== expected + (expected % 2)) {
      throw new UnusableError('pixel-length-mismatch');
    }
  }
  return { offset: element.dataOffset, length: encapsulated ? null : element.length, deflated, bigEndian };
}

/** Enhanced images keep geometry and rescale in functional groups, per frame or shared (PS3.3 C.7.6.16). */
function frameHeaders(source: ElementSource, format: PixelFormat): FrameHeader[] {
  const shared = sequenceItems(source, 'sharedFunctionalGroups')[0];
  const perFrame = sequenceItems(source, 'perFrameFunctionalGroups');
  return Array.from({ length: format.frames }, (_, index) => {
    const groups = [perFrame[index], shared].filter((group) => group !== undefined);
    const find = (tag: 'planePositionSequence' | 'planeOrientationSequence' | 'pixelValueTransformationSequence') =>
      groups.map((group) => sequenceItems(group, tag)[0]).find((item) => item !== undefined) ?? source;
    return {
      ...sliceGeometry(find('planeOrientationSequence'), {
        position: find('planePositionSequence'),
        imageType: source,
      }),
      rescale: hounsfieldRescale(find('pixelValueTransformationSequence'), format),
    };
  });
}

/**
 * @param parsed the header
 * @param key of the keyed hashes that stand for patient, series and instance
 * @throws {UnusableError} when the image is not one that can be decoded.
 */
export function readImageHeader(parsed: ParsedHeader, { key }: { key: string }): ImageHeader {
  const source = elementSource(parsed);
  if (parsed.elements[TAGS.pixelData] === undefined) throw new UnusableError('no-pixel-data');
  const format = readPixelFormat(source);
  const patient = textValue(source, 'patientId');
  const series = textValue(source, 'seriesInstance');
  const instance = textValue(source, 'sopInstance');
  return {
    syntaxName: parsed.syntax.name,
    encoding: parsed.syntax.pixels,
    format,
    pixels: locatePixels(parsed, format),
    patient: patient === null ? null : patientKey(patient, key),
    series: series === null ? null : keyedHash(series, { key, kind: 'series' }),
    instance: instance === null ? null : keyedHash(instance, { key, kind: 'instance' }),
    instanceNumber: integerValue(source, 'instanceNumber'),
    frames: frameHeaders(source, format),
  };
}
