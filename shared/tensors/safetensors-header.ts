/**
 * The header of a safetensors file (github.com/huggingface/safetensors, "Format"): an 8-byte little-endian length, then
 * JSON that names each tensor's type, shape and place in the data after it.
 *
 * Reading is as strict as the reference: tensors must fill the data without gap, overlap or surplus, and nothing in the
 * header may be said twice.
 */
import { parseStrictJson } from '../bytes/strict-json.ts';

/** The number types that are known, with the bytes of one number. Which of them can be read is the reader's matter. */
export const ITEM_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;
export type SafetensorsType = keyof typeof ITEM_BYTES;

export interface TensorEntry {
  readonly name: string;
  readonly dtype: SafetensorsType;
  readonly shape: readonly number[];
  /** Where its bytes begin and end in the data. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of their data. */
  readonly entries: readonly TensorEntry[];
  readonly metadata: Record<string, string>;
}

/** The reference refuses headers above this, and so do we. */
const MAXIMUM_HEADER_BYTES = 100_000_000;
const METADATA = '__metadata__';

/** The bytes before the header: its length. */
export const LENGTH_BYTES = 8;

/**
 * The length of the header, from the first eight bytes of a file.
 *
 * @throws {RangeError} when it does not fit into the file or is larger than the reference allows.
 */
export function headerLength(firstBytes: Uint8Array, { fileBytes }: { readonly fileBytes: number }): number {
  if (fileBytes < LENGTH_BYTES || firstBytes.length < LENGTH_BYTES) {
    throw new RangeError(`Cannot read the tensors: needed at least ${LENGTH_BYTES} bytes, found ${fileBytes}`);
  }
  const length = new DataView(firstBytes.buffer, firstBytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > MAXIMUM_HEADER_BYTES || length > fileBytes - LENGTH_BYTES) {
    throw new RangeError(
      `Cannot read the tensors: the header must fit into the file's ${fileBytes} bytes and into ${MAXIMUM_HEADER_BYTES}, found ${length} bytes`,
    );
  }
  return Number(length);
}

/**
 * @param bytes the header without its length.
 * @param options.dataBytes how many bytes follow it.
 * @param options.types the types that may occur.
 * @throws {SyntaxError} when the header is not one.
 * @throws {RangeError} when lengths, shapes and places do not fit together.
 * @throws {TypeError} when a tensor has another type.
 */
export function parseHeader(
  bytes: Uint8Array,
  { dataBytes, types }: { readonly dataBytes: number; readonly types: readonly SafetensorsType[] },
): SafetensorsHeader {
  const { [METADATA]: rawMetadata = {}, ...rawTensors } = parseObject(bytes);
  const metadata = readMetadata(rawMetadata);
  const entries = Object.entries(rawTensors).map(([name, entry]) => readEntry(name, { raw: entry, types }));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== position) {
      throw new RangeError(
        `Cannot read the tensor "${name}": it must begin at byte ${position} of the data, where the one before ends, found ${begin}`,
      );
    }
    if (end > dataBytes) {
      throw new RangeError(`Cannot read the tensor "${name}": it ends at byte ${end} of ${dataBytes} bytes of data`);
    }
    position = end;
  }
  if (position !== dataBytes) {
    throw new RangeError(`Cannot read the tensors: they end at byte ${position} of ${dataBytes} bytes of data`);
  }
  return { entries, metadata };
}

/**
 * The beginning of a file of float32 tensors, up to their data. The same input gives the same bytes.
 *
 * @throws {RangeError} when a name appears twice or is reserved.
 */
export function encodeHeader(
  tensors: readonly { readonly name: string; readonly shape: readonly number[] }[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) entries.push([METADATA, metadata]);
  const names = new Set<string>([METADATA]);
  let end = 0;
  for (const { name, shape } of tensors) {
    if (names.has(name)) {
      throw new RangeError(
        `Cannot write the tensors: needed names that differ from each other and ${METADATA}, found "${name}"`,
      );
    }
    names.add(name);
    const begin = end;
    end += numberOfItems(shape) * ITEM_BYTES.F32;
    entries.push([name, { dtype: 'F32', shape, data_offsets: [begin, end] }]);
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  // Blanks after the header let the data begin at a multiple of eight, where readers can map it.
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, LENGTH_BYTES);
  return header;
}

/** A shape without dimensions is one number. */
export function numberOfItems(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let header: unknown;
  try {
    header = parseStrictJson(text.decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) throw error;
    throw new SyntaxError('Cannot read the tensors: the header is not UTF-8');
  }
  if (!isObject(header) || bytes[0] !== '{'.charCodeAt(0)) {
    throw new SyntaxError('Cannot read the tensors: the header must be a JSON object and begin with "{"');
  }
  return header;
}

function readMetadata(raw: unknown): Record<string, string> {
  if (!isObject(raw) || !Object.values(raw).every((value) => typeof value === 'string')) {
    throw new SyntaxError(`Cannot read the tensors: ${METADATA} must map names to texts`);
  }
  return raw as Record<string, string>;
}

function readEntry(
  name: string,
  { raw, types }: { readonly raw: unknown; readonly types: readonly SafetensorsType[] },
): TensorEntry {
  if (!isObject(raw) || Object.keys(raw).sort().join() !== 'data_offsets,dtype,shape') {
    throw new SyntaxError(`Cannot read the tensor "${name}": needed exactly dtype, shape and data_offsets`);
  }
  const { shape, data_offsets: offsets } = raw;
  const dtype = types.find((type) => type === raw['dtype']);
  if (dtype === undefined) {
    throw new TypeError(
      `Cannot read the tensor "${name}": needed the type ${listOf(types)}, found ${String(raw['dtype']).slice(0, 20)}`,
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
  return { name, dtype, shape, begin, end };
}

function listOf(types: readonly string[]): string {
  return types.length === 1 ? types[0]! : `${types.slice(0, -1).join(', ')} or ${types.at(-1)}`;
}

function isListOfSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
