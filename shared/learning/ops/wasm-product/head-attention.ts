/**
 * The products of multi-head attention where queries, keys and values lie in the memory of a WebAssembly engine: heads are
 * read and written as parts of the wide matrices, so that nothing is brought into another order.
 */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../../engine/open-engine.ts';
import { addressOf, type HeapMatrix, multiplyInHeap } from './heap-products.ts';

export interface HeadSizes {
  readonly sequences: number;
  readonly tokens: number;
  readonly heads: number;
  readonly headWidth: number;
}

/** Queries times keys, [heads * sequences, tokens, tokens], from qkv [sequences * tokens, 3 * heads * headWidth]. */
export function headScores(engine: Engine, qkv: Tensor2D, sizes: HeadSizes): Tensor3D {
  const scores = output<Tensor3D>(engine, stackShape(sizes));
  eachHead(sizes, ({ part, square }) => {
    const keys = transposed(part(engine, qkv, { at: sizes.heads, of: 3 }));
    multiplyInHeap(engine)(part(engine, qkv, { at: 0, of: 3 }), keys, target(square(engine, scores)));
  });
  return scores;
}

/** Weights [heads * sequences, tokens, tokens] times values: [sequences * tokens, heads * headWidth]. */
export function headMixes(
  engine: Engine,
  { weights, qkv }: { weights: Tensor3D; qkv: Tensor2D },
  sizes: HeadSizes,
): Tensor2D {
  const mixed = output<Tensor2D>(engine, [qkv.shape[0], sizes.heads * sizes.headWidth]);
  eachHead(sizes, ({ part, square }) => {
    const values = part(engine, qkv, { at: 2 * sizes.heads, of: 3 });
    multiplyInHeap(engine)(square(engine, weights), values, target(part(engine, mixed, { at: 0, of: 1 })));
  });
  return mixed;
}

/** The gradient of the weights, from that of the mixed values. */
export function weightGradients(
  engine: Engine,
  { dy, qkv }: { dy: Tensor2D; qkv: Tensor2D },
  sizes: HeadSizes,
): Tensor3D {
  const dWeights = output<Tensor3D>(engine, stackShape(sizes));
  eachHead(sizes, ({ part, square }) => {
    const values = transposed(part(engine, qkv, { at: 2 * sizes.heads, of: 3 }));
    multiplyInHeap(engine)(part(engine, dy, { at: 0, of: 1 }), values, target(square(engine, dWeights)));
  });
  return dWeights;
}

/** The gradient of qkv, from those of the scores and of the mixed values. */
export function qkvGradient(
  engine: Engine,
  { dScores, weights, dy, qkv }: { dScores: Tensor3D; weights: Tensor3D; dy: Tensor2D; qkv: Tensor2D },
  sizes: HeadSizes,
): Tensor2D {
  const { heads } = sizes;
  const gradient = output<Tensor2D>(engine, qkv.shape);
  const multiply = multiplyInHeap(engine);
  eachHead(sizes, ({ part, square }) => {
    const [queries, keys] = [part(engine, qkv, { at: 0, of: 3 }), part(engine, qkv, { at: heads, of: 3 })];
    const slope = square(engine, dScores);
    const to = (at: number) => target(part(engine, gradient, { at, of: 3 }));
    multiply(slope, keys, to(0));
    multiply(transposed(slope), queries, to(heads));
    multiply(transposed(square(engine, weights)), part(engine, dy, { at: 0, of: 1 }), to(2 * heads));
  });
  return gradient;
}

interface Head {
  /** This head's columns of this sequence's rows, from head number `at` of a matrix that is `of` times all heads wide. */
  readonly part: (engine: Engine, matrix: Tensor2D, place: { at: number; of: number }) => HeapMatrix;
  /** This head's and sequence's matrix of a stack [heads * sequences, tokens, tokens]. */
  readonly square: (engine: Engine, stack: Tensor3D) => HeapMatrix;
}

function eachHead({ sequences, tokens, heads, headWidth }: HeadSizes, visit: (head: Head) => void): void {
  for (let head = 0; head < heads; head += 1) {
    for (let sequence = 0; sequence < sequences; sequence += 1) {
      visit({
        part(engine, matrix, { at, of }) {
          const width = of * heads * headWidth;
          const first = sequence * tokens * width + (at + head) * headWidth;
          const address = addressOf(engine, matrix) + 4 * first;
          return { address, rows: tokens, columns: headWidth, rowStride: width, columnStride: 1 };
        },
        square(engine, stack) {
          const address = addressOf(engine, stack) + 4 * (head * sequences + sequence) * tokens ** 2;
          return { address, rows: tokens, columns: tokens, rowStride: tokens, columnStride: 1 };
        },
      });
    }
  }
}

const stackShape = ({ sequences, tokens, heads }: HeadSizes) => [heads * sequences, tokens, tokens];
const target = ({ address, rowStride }: HeapMatrix) => ({ address, rowStride });

function transposed({ address, rows, columns, rowStride, columnStride }: HeapMatrix): HeapMatrix {
  return { address, rows: columns, columns: rows, rowStride: columnStride, columnStride: rowStride };
}

function output<T extends Tensor2D | Tensor3D>({ tf }: Engine, shape: number[]): T {
  const info = (tf.backend() as BackendWasm).makeOutput(shape, 'float32');
  return tf.engine().makeTensorFromTensorInfo(info) as T;
}
