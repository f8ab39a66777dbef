import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { columnSums } from './column-sums.ts';
import { differentiable } from './differentiable.ts';
import { hostLoop } from './host-loop.ts';
import { normaliseRows, normaliseRowsBack } from './normalise-rows.ts';
import { fusedOperation, hasFusedOperations } from './tensorflow-operation.ts';

/**
 * Layer normalisation of each row (Ba et al. 2016, arXiv 1607.06450): x [rows, width], weight and bias [width]. The
 * variance is the biased one and `epsilon` is added to it: 1e-6 in timm's vision transformers, 1e-5 by PyTorch's default.
 */
export function layerNorm(
  engine: Engine,
  x: Tensor2D,
  { weight, bias, epsilon }: { readonly weight: Tensor1D; readonly bias: Tensor1D; readonly epsilon: number },
): Tensor2D {
  if (hasFusedOperations(engine)) return fusedLayerNorm(engine, x, { weight, bias, epsilon });
  return differentiable(engine, [x, weight, bias], {
    forward: (rows, scale, shift) => {
      const { value, normalised, inverseDeviation } = engine.habits.hostLoops
        ? normaliseByLoop(engine, { rows, scale, shift, epsilon })
        : normaliseByTensors(engine, { rows, scale, shift, epsilon });
      return { value, keep: { normalised, inverseDeviation, scale } };
    },
    backward: (dy, kept) => (engine.habits.hostLoops ? backByLoop : backByTensors)(engine, { dy, ...kept }),
  });
}

interface Rows {
  readonly rows: Tensor2D;
  readonly scale: Tensor1D;
  readonly shift: Tensor1D;
  readonly epsilon: number;
}

interface Gradient {
  readonly dy: Tensor2D;
  readonly normalised: Tensor2D;
  readonly inverseDeviation: Tensor2D;
  readonly scale: Tensor1D;
}

function normaliseByTensors({ tf }: Engine, { rows, scale, shift, epsilon }: Rows) {
  const centred = tf.sub(rows, tf.mean(rows, 1, true));
  const inverseDeviation = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon)) as Tensor2D;
  const normalised = tf.mul(centred, inverseDeviation) as Tensor2D;
  return { value: tf.add(tf.mul(normalised, scale), shift) as Tensor2D, normalised, inverseDeviation };
}

function backByTensors(engine: Engine, { dy, normalised, inverseDeviation, scale }: Gradient) {
  const { tf } = engine;
  const dUnit = tf.mul(dy, scale);
  // Normalisation fixes each row's mean and length, so what the gradient says along these two is taken out.
  const alongUnit = tf.mul(normalised, tf.mean(tf.mul(dUnit, normalised), 1, true));
  const dx = tf.mul(tf.sub(tf.sub(dUnit, tf.mean(dUnit, 1, true)), alongUnit), inverseDeviation);
  return [dx, columnSums(engine, tf.mul(dy, normalised)), columnSums(engine, dy)] as const;
}

function normaliseByLoop(engine: Engine, { rows, scale, shift, epsilon }: Rows) {
  const [value, normalised, inverseDeviation] = hostLoop(engine, [rows, scale, shift], {
    shapes: [rows.shape, rows.shape, [rows.shape[0], 1]],
    loop: ([x, scales, shifts], [values, units, inverses]) =>
      normaliseRows(
        x!,
        { scale: scales!, shift: shifts!, epsilon },
        { value: values!, normalised: units!, inverseDeviation: inverses! },
      ),
  }) as [Tensor2D, Tensor2D, Tensor2D];
  return { value, normalised, inverseDeviation };
}

function backByLoop(engine: Engine, { dy, normalised, inverseDeviation, scale }: Gradient) {
  return hostLoop(engine, [dy, normalised, inverseDeviation, scale], {
    shapes: [dy.shape, scale.shape, scale.shape],
    loop: ([gradient, units, inverses, scales], [dx, dScale, dShift]) =>
      normaliseRowsBack(
        gradient!,
        { normalised: units!, inverseDeviation: inverses!, scale: scales! },
        { dx: dx!, dScale: dScale!, dShift: dShift! },
      ),
  }) as [Tensor2D, Tensor1D, Tensor1D];
}

/** The same in one pass over memory each way; keeps two numbers a row besides the input. */
function fusedLayerNorm(
  engine: Engine,
  x: Tensor2D,
  { weight, bias, epsilon }: { readonly weight: Tensor1D; readonly bias: Tensor1D; readonly epsilon: number },
): Tensor2D {
  return differentiable(engine, [x, weight, bias], {
    forward: (rows, scale, shift) => {
      const inputs = [rows, scale, shift, engine.tf.scalar(epsilon)];
      const [value, statistics] = fusedOperation(engine, 'LayerNorm', inputs) as [Tensor2D, Tensor2D];
      return { value, keep: { rows, scale, statistics } };
    },
    backward: (dy, { rows, scale, statistics }) =>
      fusedOperation(engine, 'LayerNormGradient', [dy, rows, scale, statistics]) as [Tensor2D, Tensor1D, Tensor1D],
  });
}
