import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Tensor3D, TensorInfo } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import type { Transposes } from './product.ts';

/**
 * The products of matching matrices of two stacks [count, ...], in the form that the engine computes fast. Records no
 * gradient, so it belongs inside ops that carry their own.
 */
export function stackedProduct(
  engine: Engine,
  [a, b]: readonly [Tensor3D, Tensor3D],
  { transposeA = false, transposeB = false }: Transposes = {},
): Tensor3D {
  const { tf, habits } = engine;
  if (habits.batchedProducts) return tf.matMul(a, b, transposeA, transposeB);
  return tf.tidy(() =>
    oneByOne(engine, [transposeA ? tf.transpose(a, [0, 2, 1]) : a, transposeB ? tf.transpose(b, [0, 2, 1]) : b]),
  );
}

/**
 * WebAssembly's kernel multiplies two matrices ten times faster than it multiplies stacks. Its memory is used directly:
 * tensors for thousands of small matrices a step would cost as much as the products.
 */
function oneByOne({ tf }: Engine, [a, b]: readonly [Tensor3D, Tensor3D]): Tensor3D {
  const backend = tf.backend() as BackendWasm;
  const { kernelFunc } = tf.getKernel(tf.BatchMatMul, tf.getBackend());
  const multiply = (left: TensorInfo, right: TensorInfo) =>
    kernelFunc({
      inputs: { a: left, b: right },
      attrs: { transposeA: false, transposeB: false },
      backend,
    }) as TensorInfo;
  const values = (info: TensorInfo) => backend.typedArrayFromHeap(info) as Float32Array;
  const copyMatrix = (stack: TensorInfo, index: number, matrix: TensorInfo) => {
    const size = matrix.shape[0]! * matrix.shape[1]!;
    values(matrix).set(values(stack).subarray(index * size, (index + 1) * size));
  };
  const [count, rows, inner] = a.shape;
  const columns = b.shape[2];
  const products = backend.makeOutput([count, rows, columns], 'float32');
  const left = backend.makeOutput([rows, inner], 'float32');
  for (let index = 0; index < count; index += 1) {
    copyMatrix(a, index, left);
    // The kernel remembers the right side by its identity, so each matrix needs its own.
    const right = backend.makeOutput([inner, columns], 'float32');
    copyMatrix(b, index, right);
    const matrix = multiply(left, right);
    values(products).set(values(matrix), index * rows * columns);
    backend.disposeData(right.dataId);
    backend.disposeData(matrix.dataId);
  }
  backend.disposeData(left.dataId);
  return tf.engine().makeTensorFromTensorInfo(products) as Tensor3D;
}
