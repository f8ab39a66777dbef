import { littleEndianBytes } from '../bytes/little-endian.ts';
import { encodeHeader, numberOfItems } from './safetensors-header.ts';

export interface StreamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Its numbers, row after row, in arrays of any lengths. Asked for when the tensor's turn comes. */
  readonly pieces: () => Iterable<Float32Array> | AsyncIterable<Float32Array>;
}

/**
 * The bytes of a safetensors file of float32 tensors, piece by piece: for a file handle's `writeFile`, a blob store or a
 * stream's pipeline. No more than one piece is held. Equal to `encodeSafetensors` byte for byte.
 *
 * @throws {RangeError} before the first byte, when a name appears twice or is reserved; later, when a tensor gives more or
 *   fewer numbers than its shape holds, and what was written so far is worthless.
 */
export async function* writeSafetensors(
  tensors: readonly StreamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array> {
  yield encodeHeader(tensors, metadata);
  for (const { name, shape, pieces } of tensors) {
    const expected = numberOfItems(shape);
    let found = 0;
    for await (const piece of pieces()) {
      found += piece.length;
      if (found > expected) break;
      yield littleEndianBytes(piece);
    }
    if (found !== expected) {
      throw new RangeError(
        `Cannot write the tensor "${name}": its shape [${shape.join(', ')}] holds ${expected} numbers, found ${found > expected ? 'more' : found}`,
      );
    }
  }
}
