/** How an image's numbers are stored (PS3.3 C.7.6.3): size, depth, sign, padding. */
import { UnusableError } from '../quarantine/unusable-error.ts';
import { type ElementSource, integerValue, textValue, uint16Value } from './element-values.ts';
import { LIMITS } from './limits.ts';
import { TAGS } from './tags.ts';

export interface PixelFormat {
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
  readonly bitsAllocated: 8 | 16;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
  /** Stored values that mean "no measurement", both ends included. */
  readonly padding: { readonly from: number; readonly to: number } | null;
  /** MONOCHROME1: the lowest stored value is shown white. */
  readonly inverted: boolean;
}

function countOfFrames(source: ElementSource): number {
  if (source.elements[TAGS.numberOfFrames] === undefined) return 1;
  const frames = integerValue(source, 'numberOfFrames');
  if (frames === null || frames < 1) throw new UnusableError('image-attributes-missing');
  return frames;
}

/**
 * The number that a bit pattern stands for. Padding is compared over all allocated bits, because some scanners pad with a
 * number that does not fit the stored ones.
 */
export function allocatedNumber(
  pattern: number,
  { bitsAllocated, signed }: { bitsAllocated: number; signed: boolean },
) {
  const shift = 32 - bitsAllocated;
  return signed ? (pattern << shift) >> shift : (pattern << shift) >>> shift;
}

/** @throws {UnusableError} when the attributes are missing, contradictory, out of bounds or not single-channel grey. */
export function readPixelFormat(source: ElementSource): PixelFormat {
  const rows = uint16Value(source, 'rows');
  const columns = uint16Value(source, 'columns');
  const bitsAllocated = uint16Value(source, 'bitsAllocated');
  if (rows === null || columns === null || bitsAllocated === null) throw new UnusableError('image-attributes-missing');
  const photometric = textValue(source, 'photometricInterpretation')?.toUpperCase();
  const grey = photometric === 'MONOCHROME1' || photometric === 'MONOCHROME2';
  if (!grey || (uint16Value(source, 'samplesPerPixel') ?? 1) !== 1) throw new UnusableError('pixel-format-unsupported');
  if (bitsAllocated !== 8 && bitsAllocated !== 16) throw new UnusableError('pixel-format-unsupported');
  const bitsStored = uint16Value(source, 'bitsStored') ?? bitsAllocated;
  const highBit = uint16Value(source, 'highBit') ?? bitsStored - 1;
  if (bitsStored < 1 || bitsStored > bitsAllocated || highBit < bitsStored - 1 || highBit >= bitsAllocated) {
    throw new UnusableError('image-attributes-missing');
  }
  const frames = countOfFrames(source);
  const smallest = Math.min(rows, columns);
  const largest = Math.max(rows, columns);
  if (smallest < LIMITS.smallestSidePixels || largest > LIMITS.largestSidePixels || frames > LIMITS.frames) {
    throw new UnusableError('image-size-out-of-bounds');
  }
  const signed = uint16Value(source, 'pixelRepresentation') === 1;
  const limits = [uint16Value(source, 'pixelPaddingValue'), uint16Value(source, 'pixelPaddingRangeLimit')]
    .filter((pattern) => pattern !== null)
    .map((pattern) => allocatedNumber(pattern, { bitsAllocated, signed }));
  // A range limit without a padding value means nothing (PS3.3 C.7.5.1.1.2).
  const hasPadding = uint16Value(source, 'pixelPaddingValue') !== null;
  return {
    rows,
    columns,
    frames,
    bitsAllocated,
    bitsStored,
    highBit,
    signed,
    padding: hasPadding ? { from: Math.min(...limits), to: Math.max(...limits) } : null,
    inverted: photometric === 'MONOCHROME1',
  };
}
