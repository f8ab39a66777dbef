/**
 * safetensors files as a whole in memory: what PyTorch, timm and this project read alike. Files too large for that are
 * written by `writeSafetensors` and read by `openSafetensors`.
 */
import { littleEndianBytes, requireLittleEndianHost } from '../bytes/little-endian.ts';
import { encodeHeader, headerLength, LENGTH_BYTES, numberOfItems, parseHeader } from './safetensors-header.ts';

export interface SafetensorsInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export type StoredTensor = { readonly shape: readonly number[] } & (
  | { readonly dtype: 'F32'; readonly data: Float32Array }
  | { readonly dtype: 'I32'; readonly data: Int32Array }
  | { readonly dtype: 'I64'; readonly data: BigInt64Array }
);

/**
 * The file of some float32 tensors, in the given order. The same input gives the same bytes.
 *
 * @throws {RangeError} when a name appears twice or is reserved, or a shape does not fit its data.
 */
export function encodeSafetensors(
  tensors: readonly SafetensorsInput[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header = encodeHeader(tensors, metadata);
  for (const { name, shape, data } of tensors) {
    if (numberOfItems(shape) !== data.length) {
      throw new RangeError(
        `Cannot write the tensor "${name}": its shape [${shape.join(', ')}] does not hold its ${data.length} numbers`,
      );
    }
  }
  const file = new Uint8Array(tensors.reduce((size, { data }) => size + data.byteLength, header.length));
  file.set(header);
  let position = header.length;
  for (const { data } of tensors) {
    file.set(littleEndianBytes(data), position);
    position += data.byteLength;
  }
  return file;
}

/**
 * The tensors and the metadata of a file, in the order of its data. The numbers are copies.
 *
 * @throws {SyntaxError} when the header is not one.
 * @throws {RangeError} when lengths, shapes and places do not fit together.
 * @throws {TypeError} when a tensor has another type than F32, I32 or I64.
 */
export function decodeSafetensors(bytes: Uint8Array): {
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
} {
  requireLittleEndianHost();
  const dataBegin = LENGTH_BYTES + headerLength(bytes, { fileBytes: bytes.length });
  const data = bytes.subarray(dataBegin);
  const { entries, metadata } = parseHeader(bytes.subarray(LENGTH_BYTES, dataBegin), {
    dataBytes: data.length,
    types: ['F32', 'I32', 'I64'],
  });
  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    // A copy of its own is aligned for any number type, wherever the file put it.
    const { buffer } = new Uint8Array(data.subarray(begin, end));
    if (dtype === 'F32') tensors.set(name, { dtype, shape, data: new Float32Array(buffer) });
    else if (dtype === 'I32') tensors.set(name, { dtype, shape, data: new Int32Array(buffer) });
    else if (dtype === 'I64') tensors.set(name, { dtype, shape, data: new BigInt64Array(buffer) });
  }
  return { tensors, metadata };
}
