/**
 * The mixer of Mamba (Gu and Dao 2023, arXiv 2312.00752, figure 3) under the names of state-spaces/mamba: in_proj to an
 * input and a gate, a causal convolution with SiLU, the selective scan, the gate, out_proj.
 */
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../../engine/open-engine.ts';
import { causalConvolution } from '../../ops/causal-convolution.ts';
import { rowProducts } from '../../ops/row-products.ts';
import { selectiveScan } from '../../ops/selective-scan.ts';
import { silu } from '../../ops/silu.ts';
import { type ParameterTensors, parameter } from '../../parameters.ts';

/** u [sequences, length, width] -> the same shape. All sizes follow from the parameters. `prefix` stands before their names. */
export function mambaMixer(
  engine: Engine,
  u: Tensor3D,
  { parameters, prefix }: { readonly parameters: ParameterTensors; readonly prefix: string },
): Tensor3D {
  const { tf } = engine;
  const [sequences, length, width] = u.shape;
  const tensor = <T extends Tensor1D | Tensor2D | Tensor3D>(name: string) =>
    parameter<T>(parameters, prefix === '' ? name : `${prefix}.${name}`);
  const inwards = tensor<Tensor2D>('in_proj.weight');
  const stepWeight = tensor<Tensor2D>('dt_proj.weight');
  const aLog = tensor<Tensor2D>('A_log');
  const [inner, states] = aLog.shape;
  const rank = stepWeight.shape[1];
  return tf.tidy(() => {
    const rows: Tensor2D = tf.reshape(u, [sequences * length, width]);
    const inSequences = (x: Tensor2D): Tensor3D => tf.reshape(x, [sequences, length, x.shape[1]]);
    // The weight is taken apart and not its product, which is as large as the sequences.
    const half = (first: number) => rowProducts(engine, [rows, tf.slice(inwards, [first, 0], [inner, width])]);
    const convolved = causalConvolution(engine, inSequences(half(0)), {
      weight: tensor<Tensor3D>('conv1d.weight'),
      bias: tensor<Tensor1D>('conv1d.bias'),
    });
    const x = silu(engine, convolved);
    const projections = rowProducts(engine, [
      tf.reshape(x, [sequences * length, inner]) as Tensor2D,
      tensor<Tensor2D>('x_proj.weight'),
    ]);
    const part = (first: number, columns: number): Tensor2D =>
      tf.slice(projections, [0, first], [sequences * length, columns]);
    const y = selectiveScan(engine, {
      u: x,
      delta: inSequences(rowProducts(engine, [part(0, rank), stepWeight])),
      deltaBias: tensor<Tensor1D>('dt_proj.bias'),
      aLog,
      b: inSequences(part(rank, states)),
      c: inSequences(part(rank + states, states)),
      d: tensor<Tensor1D>('D'),
    });
    const gated: Tensor2D = tf.mul(tf.reshape(y, [sequences * length, inner]), silu(engine, half(inner)));
    return inSequences(rowProducts(engine, [gated, tensor<Tensor2D>('out_proj.weight')]));
  });
}
