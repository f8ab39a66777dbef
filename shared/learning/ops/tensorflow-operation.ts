/**
 * TensorFlow's operations by their own names, for what TensorFlow.js has no name for: this project's fused operations (see
 * engine/install/operations), and some whose TensorFlow.js form takes more steps. No gradient is recorded, so they belong
 * inside ops that carry their own.
 */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';

/** What is used of tfjs-node's backend. */
interface TensorFlowBackend {
  readonly binding: {
    readonly TF_ATTR_BOOL: number;
    readonly TF_ATTR_TYPE: number;
    readonly TF_ATTR_STRING: number;
    readonly TF_FLOAT: number;
    readonly hasWardroundOperations?: boolean;
    readonly copyTensor?: (number: number, target: Float32Array) => void;
  };
  readonly isUsingGpuDevice: boolean;
  getInputTensorIds(tensors: readonly Tensor[]): number[];
  executeMultipleOutputs(
    name: string,
    attributes: readonly { name: string; type: number; value: unknown }[],
    inputs: readonly Tensor[],
    outputs: number,
  ): Tensor[];
}

/** Whether the engine computes on the CPU with an installed TensorFlow, which brings this project's operations. */
export function hasFusedOperations({ kind, tf }: Engine): boolean {
  if (kind !== 'native') return false;
  const { binding, isUsingGpuDevice } = tf.backend() as unknown as TensorFlowBackend;
  return binding.hasWardroundOperations === true && !isUsingGpuDevice;
}

/** Runs one of this project's operations: float tensors in, so many float tensors out. */
export function fusedOperation({ tf }: Engine, name: FusedOperation, inputs: readonly Tensor[]): Tensor[] {
  const outputs = fusedOutputs[name];
  return (tf.backend() as unknown as TensorFlowBackend).executeMultipleOutputs(`Wardround${name}`, [], inputs, outputs);
}

/** Whether `copyTensor` can be called: not with the package's own prebuilt files. */
export function copiesTensors({ kind, tf }: Engine): boolean {
  return kind === 'native' && (tf.backend() as unknown as TensorFlowBackend).binding.copyTensor !== undefined;
}

/** Copies the numbers of a float32 tensor into an array of its size. */
export function copyTensor({ tf }: Engine, tensor: Tensor, target: Float32Array): void {
  const backend = tf.backend() as unknown as TensorFlowBackend;
  backend.binding.copyTensor!(backend.getInputTensorIds([tensor])[0]!, target);
}

/** Whether TensorFlow's own operations can be called, on the CPU or a GPU. */
export function isTensorFlow({ kind }: Engine): boolean {
  return kind === 'native' || kind === 'cuda';
}

/** The product of two matrices; TensorFlow.js calls the operation for stacks of them, which is slower for two. */
export function matrixProduct(
  { tf }: Engine,
  [a, b]: readonly [Tensor2D, Tensor2D],
  { transposeA, transposeB }: { readonly transposeA: boolean; readonly transposeB: boolean },
): Tensor2D {
  const backend = tf.backend() as unknown as TensorFlowBackend;
  const { binding } = backend;
  const attributes = [
    { name: 'transpose_a', type: binding.TF_ATTR_BOOL, value: transposeA },
    { name: 'transpose_b', type: binding.TF_ATTR_BOOL, value: transposeB },
    { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
  ];
  return backend.executeMultipleOutputs('MatMul', attributes, [a, b], 1)[0] as Tensor2D;
}

/** Adds a row to every row of a matrix. */
export function addBias({ tf }: Engine, x: Tensor2D, bias: Tensor1D): Tensor2D {
  const backend = tf.backend() as unknown as TensorFlowBackend;
  return backend.executeMultipleOutputs('BiasAdd', biasAttributes(backend), [x, bias], 1)[0] as Tensor2D;
}

/** The sum of each column of a matrix. */
export function biasGradient({ tf }: Engine, dy: Tensor2D): Tensor1D {
  const backend = tf.backend() as unknown as TensorFlowBackend;
  return backend.executeMultipleOutputs('BiasAddGrad', biasAttributes(backend), [dy], 1)[0] as Tensor1D;
}

function biasAttributes({ binding }: TensorFlowBackend) {
  return [
    { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC' },
  ];
}

const fusedOutputs = {
  Gelu: 2,
  LayerNorm: 2,
  LayerNormGradient: 3,
  Softmax: 1,
  SoftmaxGradient: 1,
  AdamW: 3,
  L2Norm: 1,
  SplitHeads: 1,
  SplitThreeHeads: 3,
  MergeHeads: 1,
  MergeThreeHeads: 1,
} as const;
type FusedOperation = keyof typeof fusedOutputs;
