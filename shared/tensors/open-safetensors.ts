import type { FileHandle } from 'node:fs/promises';
import { float32FromBytes, requireLittleEndianHost } from '../bytes/little-endian.ts';
import { readAt } from '../files/read-at.ts';
import { float32FromBrainFloats, float32FromHalves } from './half-precision.ts';
import {
  headerLength,
  ITEM_BYTES,
  LENGTH_BYTES,
  numberOfItems,
  parseHeader,
  type SafetensorsType,
  type TensorEntry,
} from './safetensors-header.ts';

export interface SafetensorsFile {
  /** In the order of their data. */
  readonly entries: readonly TensorEntry[];
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * A tensor's numbers, row after row, in arrays of at most `pieceBytes` bytes in the file. F16 and BF16 become float32.
   *
   * @throws {RangeError} when there is no such tensor or the file has become shorter.
   * @throws {TypeError} when its numbers are not of a floating-point type.
   */
  pieces(name: string): AsyncGenerator<Float32Array>;
  /** All numbers of a tensor. @throws as `pieces` does. */
  read(name: string): Promise<Float32Array>;
}

/**
 * Opens a safetensors file of any size: only its header is held in memory. The file handle stays the caller's and must stay
 * open while tensors are read.
 *
 * @throws {SyntaxError} when the header is not one.
 * @throws {RangeError} when lengths, shapes and places do not fit together.
 * @throws {TypeError} when a tensor has a type that safetensors does not know.
 */
export async function openSafetensors(
  file: Pick<FileHandle, 'read' | 'stat'>,
  { pieceBytes = 4 << 20 }: { readonly pieceBytes?: number } = {},
): Promise<SafetensorsFile> {
  requireLittleEndianHost();
  const { size } = await file.stat();
  const length = headerLength(await readAt(file, { position: 0, bytes: Math.min(LENGTH_BYTES, size) }), {
    fileBytes: size,
  });
  const dataBegin = LENGTH_BYTES + length;
  const { entries, metadata } = parseHeader(await readAt(file, { position: LENGTH_BYTES, bytes: length }), {
    dataBytes: size - dataBegin,
    types: Object.keys(ITEM_BYTES) as SafetensorsType[],
  });
  const byName = new Map(entries.map((entry) => [entry.name, entry]));

  async function* pieces(name: string): AsyncGenerator<Float32Array> {
    const entry = byName.get(name);
    if (entry === undefined) throw new RangeError(`Cannot read the tensor "${name}": the file has no such tensor`);
    const convert = conversion(entry);
    const itemBytes = ITEM_BYTES[entry.dtype];
    const step = Math.max(1, Math.floor(pieceBytes / itemBytes)) * itemBytes;
    for (let begin = entry.begin; begin < entry.end; begin += step) {
      const bytes = Math.min(step, entry.end - begin);
      yield convert(await readAt(file, { position: dataBegin + begin, bytes }));
    }
  }

  return {
    entries,
    metadata,
    pieces,
    async read(name) {
      const values = new Float32Array(numberOfItems(byName.get(name)?.shape ?? [0]));
      let offset = 0;
      for await (const piece of pieces(name)) {
        values.set(piece, offset);
        offset += piece.length;
      }
      return values;
    },
  };
}

function conversion({ name, dtype }: TensorEntry): (bytes: Uint8Array) => Float32Array {
  const halves = (bytes: Uint8Array) => new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  switch (dtype) {
    case 'F32':
      return float32FromBytes;
    case 'F16':
      return (bytes) => float32FromHalves(halves(bytes));
    case 'BF16':
      return (bytes) => float32FromBrainFloats(halves(bytes));
    default:
      throw new TypeError(`Cannot read the tensor "${name}": needed the type F32, F16 or BF16, found ${dtype}`);
  }
}
