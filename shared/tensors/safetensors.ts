/**
 * safetensors files (github.com/huggingface/safetensors, "Format"): an 8-byte little-endian header length, a JSON header
 * that names each tensor's type, shape and place, then the tensors' little-endian bytes one after another. PyTorch, timm
 * and this project read the same file.
 *
 * Reading is as strict as the reference: tensors must fill the data without gap, overlap or surplus, and nothing in the
 * header may be said twice.
 */
import { littleEndianBytes, requireLittleEndianHost } from '../bytes/little-endian.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';

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

/** The reference refuses headers above this, and so do we. */
const MAXIMUM_HEADER_BYTES = 100_000_000;
const METADATA = '__metadata__';
const ITEM_BYTES = { F32: 4, I32: 4, I64: 8 } as const;

/**
 * The file of some float32 tensors, in the given order. The same input gives the same bytes.
 *
 * @throws {RangeError} when a name appears twice or is reserved, or a shape does not fit its data.
 */
export function encodeSafetensors(
  tensors: readonly SafetensorsInput[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) entries.push([METADATA, metadata]);
  const names = new Set<string>([METADATA]);
  let end = 0;
  for (const { name, shape, data } of tensors) {
    if (names.has(name)) {
      throw new RangeError(
        `Cannot write the tensors: needed names that differ from each other and ${METADATA}, found "${name}"`,
      );
    }
    names.add(name);
    if (numberOfItems(shape) !== data.length) {
      throw new RangeError(
        `Cannot write the tensor "${name}": its shape [${shape.join(', ')}] does not hold its ${data.length} numbers`,
      );
    }
    entries.push([name, { dtype: 'F32', shape, data_offsets: [end, end + data.byteLength] }]);
    end += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  // Blanks after the header let the data begin at a multiple of eight, where readers can map it.
  const headerLength = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + headerLength + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.set(json, 8);
  file.fill(0x20, 8 + json.length, 8 + headerLength);
  let position = 8 + headerLength;
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
  const { header, data } = splitFile(bytes);
  const { [METADATA]: rawMetadata = {}, ...rawTensors } = header;
  const metadata = readMetadata(rawMetadata);
  const entries = Object.entries(rawTensors).map(([name, entry]) => readEntry(name, entry));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const tensors = new Map<string, StoredTensor>();
  let position = 0;
  for (const { name, dtype, shape, begin, end } of entries) {
    if (begin !== position) {
      throw new RangeError(
        `Cannot read the tensor "${name}": it must begin at byte ${position} of the data, where the one before ends, found ${begin}`,
      );
    }
    if (end > data.length) {
      throw new RangeError(`Cannot read the tensor "${name}": it ends at byte ${end} of ${data.length} bytes of data`);
    }
    // A copy of its own is aligned for any number type, wherever the file put it.
    const { buffer } = new Uint8Array(data.subarray(begin, end));
    if (dtype === 'F32') tensors.set(name, { dtype, shape, data: new Float32Array(buffer) });
    else if (dtype === 'I32') tensors.set(name, { dtype, shape, data: new Int32Array(buffer) });
    else tensors.set(name, { dtype, shape, data: new BigInt64Array(buffer) });
    position = end;
  }
  if (position !== data.length) {
    throw new RangeError(`Cannot read the tensors: they end at byte ${position} of ${data.length} bytes of data`);
  }
  return { tensors, metadata };
}

function splitFile(bytes: Uint8Array): { header: Record<string, unknown>; data: Uint8Array } {
  if (bytes.length < 8) {
    throw new RangeError(`Cannot read the tensors: needed at least 8 bytes, found ${bytes.length}`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true);
  if (length > MAXIMUM_HEADER_BYTES || length > bytes.length - 8) {
    throw new RangeError(
      `Cannot read the tensors: the header must fit into the file's ${bytes.length} bytes and into ${MAXIMUM_HEADER_BYTES}, found ${length} bytes`,
    );
  }
  const headerEnd = 8 + Number(length);
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let header: unknown;
  try {
    header = parseStrictJson(text.decode(bytes.subarray(8, headerEnd)));
  } catch (error) {
    if (error instanceof SyntaxError) throw error;
    throw new SyntaxError('Cannot read the tensors: the header is not UTF-8');
  }
  if (!isObject(header) || bytes[8] !== '{'.charCodeAt(0)) {
    throw new SyntaxError('Cannot read the tensors: the header must be a JSON object and begin with "{"');
  }
  return { header, data: bytes.subarray(headerEnd) };
}

function readMetadata(raw: unknown): Record<string, string> {
  if (!isObject(raw) || !Object.values(raw).every((value) => typeof value === 'string')) {
    throw new SyntaxError(`Cannot read the tensors: ${METADATA} must map names to texts`);
  }
  return raw as Record<string, string>;
}

function readEntry(name: string, raw: unknown) {
  if (!isObject(raw) || Object.keys(raw).sort().join() !== 'data_offsets,dtype,shape') {
    throw new SyntaxError(`Cannot read the tensor "${name}": needed exactly dtype, shape and data_offsets`);
  }
  const { dtype, shape, data_offsets: offsets } = raw;
  if (dtype !== 'F32' && dtype !== 'I32' && dtype !== 'I64') {
    throw new TypeError(
      `Cannot read the tensor "${name}": needed the type F32, I32 or I64, found ${String(dtype).slice(0, 20)}`,
    );
  }
  if (!isListOfSizes(shape) || !isListOfSizes(offsets) || offsets.length !== 2) {
    throw new RangeError(`Cannot read the tensor "${name}": shape and the two data_offsets must be whole numbers >= 0`);
  }
  const [begin, end] = offsets as [number, number];
  const bytes = numberOfItems(shape) * ITEM_BYTES[dtype];
  if (end - begin !== bytes) {
    throw new RangeError(
      `Cannot read the tensor "${name}": its shape [${shape.join(', ')}] needs ${bytes} bytes, found ${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end } as const;
}

/** A shape without dimensions is one number. */
function numberOfItems(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

function isListOfSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
