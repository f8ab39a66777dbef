/**
 * Numbers as the bytes that travel: little-endian, in array order.
 *
 * Typed arrays use the host's own order, and every processor that runs this software's engines is little-endian; a host
 * that is not is refused by name instead of being served bytes in the wrong order.
 */
import { endianness } from 'node:os';

/** @throws {Error} on a big-endian host. */
export function requireLittleEndianHost(): void {
  if (endianness() !== 'LE') {
    throw new Error('Cannot run on this processor: a little-endian host is needed, found a big-endian one');
  }
}

/** The bytes of the numbers, sharing their memory. */
export function littleEndianBytes(numbers: Float32Array | Int32Array | Int16Array): Uint8Array {
  requireLittleEndianHost();
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/**
 * The numbers that the bytes are; shares their memory where their position allows it.
 *
 * @throws {RangeError} when the length is not a multiple of four bytes.
 */
export function float32FromBytes(bytes: Uint8Array): Float32Array {
  const { buffer, byteOffset, length } = aligned(bytes, 4);
  return new Float32Array(buffer, byteOffset, length / 4);
}

/** Like `float32FromBytes`, for 32-bit integers. */
export function int32FromBytes(bytes: Uint8Array): Int32Array {
  const { buffer, byteOffset, length } = aligned(bytes, 4);
  return new Int32Array(buffer, byteOffset, length / 4);
}

/** Like `float32FromBytes`, for 16-bit integers and a multiple of two bytes. */
export function int16FromBytes(bytes: Uint8Array): Int16Array {
  const { buffer, byteOffset, length } = aligned(bytes, 2);
  return new Int16Array(buffer, byteOffset, length / 2);
}

/** The bytes at a position that arrays of such numbers accept: they themselves, or a copy. */
function aligned(bytes: Uint8Array, width: 2 | 4): Uint8Array {
  requireLittleEndianHost();
  if (bytes.length % width !== 0) {
    throw new RangeError(
      `Cannot read ${8 * width}-bit numbers: needed a multiple of ${width} bytes, found ${bytes.length}`,
    );
  }
  return bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
}
