import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../../engine/open-engine.ts';
import { addressOf, type HeapMatrix, multiplyInHeap } from './heap-products.ts';

/** Which sides are to be read transposed. */
interface Transposed {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** The product of two matrices of a WebAssembly engine, and a row added to each row of it where one is given. */
export function tensorProduct(
  engine: Engine,
  [a, b]: readonly [Tensor2D, Tensor2D],
  { transposeA, transposeB, bias }: Transposed & { readonly bias?: Tensor1D },
): Tensor2D {
  const left = matrix(engine, a, { transposed: transposeA });
  const right = matrix(engine, b, { transposed: transposeB });
  const made = output(engine, [left.rows, right.columns]);
  multiplyInHeap(engine)(left, right, {
    address: addressOf(engine, made),
    rowStride: right.columns,
    bias: bias && addressOf(engine, bias),
  });
  return made as Tensor2D;
}

/** The products of matching matrices of two stacks [count, ...]. */
export function stackedTensorProduct(
  engine: Engine,
  [a, b]: readonly [Tensor3D, Tensor3D],
  { transposeA, transposeB }: Transposed,
): Tensor3D {
  const count = a.shape[0];
  const left = matrix(engine, a, { transposed: transposeA });
  const right = matrix(engine, b, { transposed: transposeB });
  const made = output(engine, [count, left.rows, right.columns]);
  const multiply = multiplyInHeap(engine);
  const to = addressOf(engine, made);
  const moved = (one: HeapMatrix, index: number) => ({
    ...one,
    address: one.address + 4 * index * one.rows * one.columns,
  });
  for (let index = 0; index < count; index += 1) {
    const address = to + 4 * index * left.rows * right.columns;
    multiply(moved(left, index), moved(right, index), { address, rowStride: right.columns });
  }
  return made as Tensor3D;
}

/** A tensor's matrix, or the first one of a stack. */
function matrix(engine: Engine, tensor: Tensor2D | Tensor3D, { transposed }: { transposed: boolean }): HeapMatrix {
  const [rows, columns] = tensor.shape.slice(-2) as [number, number];
  const address = addressOf(engine, tensor);
  return transposed
    ? { address, rows: columns, columns: rows, rowStride: 1, columnStride: columns }
    : { address, rows, columns, rowStride: columns, columnStride: 1 };
}

function output({ tf }: Engine, shape: number[]) {
  const info = (tf.backend() as BackendWasm).makeOutput(shape, 'float32');
  return tf.engine().makeTensorFromTensorInfo(info);
}
