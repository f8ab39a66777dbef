import { endianness } from 'node:os';
import { UnusableError } from '../../quarantine/unusable-error.ts';
import type { FrameShape, Samples } from './samples.ts';

const MACHINE_IS_BIG_ENDIAN = endianness() === 'BE';

/**
 * Uncompressed pixels. A view of `bytes` where alignment and byte order allow it.
 *
 * @throws {UnusableError} when there are fewer bytes than pixels.
 */
export function decodeNative(
  bytes: Uint8Array,
  { shape, bigEndian }: { shape: FrameShape; bigEndian: boolean },
): Samples {
  const pixels = shape.rows * shape.columns;
  if (bytes.length < (pixels * shape.bitsAllocated) / 8) throw new UnusableError('pixel-data-truncated');
  if (shape.bitsAllocated === 8) return bytes.subarray(0, pixels);
  const swap = bigEndian !== MACHINE_IS_BIG_ENDIAN;
  if (!swap && bytes.byteOffset % 2 === 0) return new Uint16Array(bytes.buffer, bytes.byteOffset, pixels);
  const copy = bytes.slice(0, 2 * pixels);
  if (swap) Buffer.from(copy.buffer).swap16();
  return new Uint16Array(copy.buffer);
}
