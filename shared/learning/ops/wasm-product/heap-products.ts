import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Engine } from '../../engine/open-engine.ts';
import { innerUnroll, instantiateProductModule, tileColumns, tileRows } from './product-module.ts';

/** A matrix in a WebAssembly engine's memory, or a part of one, or one read transposed. Strides count numbers. */
export interface HeapMatrix {
  /** Of its first number, in bytes. */
  readonly address: number;
  readonly rows: number;
  readonly columns: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** Where a product is written: its columns lie side by side. */
export interface HeapTarget {
  readonly address: number;
  readonly rowStride: number;
  /** Address of a row that is added to each row of the product. */
  readonly bias?: number | undefined;
}

/** Writes the product of two matrices. */
export type MultiplyInHeap = (a: HeapMatrix, b: HeapMatrix, target: HeapTarget) => void;

const numberBytes = Float32Array.BYTES_PER_ELEMENT;
/** Packed rows of this size stay in the second-level cache while all columns pass. */
const cachedRowBytes = 256 * 1024;
const opened = new WeakMap<BackendWasm, MultiplyInHeap>();

/** Whether products of this engine are computed here. Its habits decide, so that tests can choose the library's way. */
export function multipliesInHeap({ kind, habits }: Pick<Engine, 'kind' | 'habits'>): boolean {
  return kind === 'wasm' && !habits.transposedProducts;
}

/** Products within the memory of a WebAssembly engine. They record no gradient. */
export function multiplyInHeap({ tf }: Engine): MultiplyInHeap {
  const backend = tf.backend() as BackendWasm;
  let multiply = opened.get(backend);
  if (multiply === undefined) {
    multiply = openMultiply(backend);
    opened.set(backend, multiply);
  }
  return multiply;
}

/**
 * The address of a tensor's first number.
 *
 * @throws {RangeError} when the memory was full as the tensor was made, which TensorFlow.js does not notice.
 */
export function addressOf({ tf }: Pick<Engine, 'tf'>, tensor: TensorInfo): number {
  return heapAddress(tf.backend() as BackendWasm, tensor);
}

function heapAddress(backend: BackendWasm, tensor: TensorInfo): number {
  const address = backend.typedArrayFromHeap(tensor).byteOffset;
  if (address !== 0) return address;
  throw new RangeError(
    "Cannot multiply matrices: WebAssembly's memory of 4 GB is full. Use smaller images, or fewer of them at once.",
  );
}

function openMultiply(backend: BackendWasm): MultiplyInHeap {
  const { memory } = (backend.wasm as unknown as { asm: { memory: WebAssembly.Memory } }).asm;
  const module = instantiateProductModule(memory);
  const buffer = reusedBuffers(backend);
  const zeros = backend.makeOutput([tileColumns], 'float32', undefined, new Float32Array(tileColumns));

  return (a, b, { address, rowStride, bias }) => {
    const { rows, columns: inner } = a;
    const { columns } = b;
    if (inner !== b.rows || Math.min(rows, columns, inner) < 1) {
      throw new TypeError(`Cannot multiply matrices of ${rows} x ${inner} and ${b.rows} x ${columns}`);
    }
    const filled = Math.ceil(inner / innerUnroll) * innerUnroll;
    const panels = Math.ceil(columns / tileColumns);
    const rowsAtOnce = tileRows * Math.max(1, Math.floor(cachedRowBytes / (filled * tileRows * numberBytes)));
    const blockRows = Math.min(rows, rowsAtOnce);
    const packedRows = buffer('rows', (blockRows + tileRows) * filled);
    const packedColumns = buffer('columns', panels * filled * tileColumns);
    // The last panel may be wider than what is left of the result; it goes through this tile-wide strip.
    const strip = buffer('strip', (blockRows + 1) * tileColumns);
    const numbers = new Float32Array(memory.buffer);

    const [columnStride, innerStride] = [b.columnStride * numberBytes, b.rowStride * numberBytes];
    module.packColumns(b.address, columnStride, innerStride, columns, inner, filled - inner, packedColumns);
    for (let first = 0; first < rows; first += blockRows) {
      const count = Math.min(blockRows, rows - first);
      const from = a.address + first * a.rowStride * numberBytes;
      const [ownStride, along] = [a.rowStride * numberBytes, a.columnStride * numberBytes];
      module.packRows(from, ownStride, along, count, inner, filled - inner, packedRows);
      const target = address + first * rowStride * numberBytes;
      for (let panel = 0; panel < panels; panel += 1) {
        const column = panel * tileColumns;
        const packed = packedColumns + panel * filled * tileColumns * numberBytes;
        const to = target + column * numberBytes;
        const width = Math.min(tileColumns, columns - column);
        let biasOfPanel = bias === undefined ? heapAddress(backend, zeros) : bias + column * numberBytes;
        if (width === tileColumns) {
          module.multiply(packedRows, packed, biasOfPanel, to, rowStride * numberBytes, count, filled / innerUnroll);
          continue;
        }
        const stripAt = strip / numberBytes;
        if (bias !== undefined) {
          // Past the bias may be the end of the memory.
          const own = biasOfPanel / numberBytes;
          numbers.copyWithin(stripAt + blockRows * tileColumns, own, own + width);
          biasOfPanel = strip + blockRows * tileColumns * numberBytes;
        }
        const stripStride = tileColumns * numberBytes;
        module.multiply(packedRows, packed, biasOfPanel, strip, stripStride, count, filled / innerUnroll);
        const toAt = to / numberBytes;
        for (let row = 0; row < count; row += 1) {
          for (let line = 0; line < width; line += 1) {
            numbers[toAt + row * rowStride + line] = numbers[stripAt + row * tileColumns + line]!;
          }
        }
      }
    }
  };
}

/** Buffers kept from product to product: taking and freeing megabytes thousands of times a step would scatter the memory. */
function reusedBuffers(backend: BackendWasm): (name: string, numbers: number) => number {
  const buffers = new Map<string, TensorInfo>();
  return (name, numbers) => {
    const held = buffers.get(name);
    if (held !== undefined && held.shape[0]! >= numbers) return heapAddress(backend, held);
    if (held !== undefined) backend.disposeData(held.dataId);
    const made = backend.makeOutput([numbers], 'float32');
    buffers.set(name, made);
    return heapAddress(backend, made);
  };
}
