/**
 * The encoder that makes MoCo v3's keys (Chen et al. 2021, arXiv 2104.02057): no gradient trains it, it follows the query
 * encoder as an exponential moving average.
 */
import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { ParameterLayout } from '../../tensors/layout.ts';
import type { Engine } from '../engine/open-engine.ts';
import { type HeldParameters, holdParameters } from './held-parameters.ts';

export interface MomentumEncoder extends Omit<HeldParameters, 'replace'> {
  /**
   * Moves each parameter to momentum times itself plus 1 - momentum times the query's. Of `query`, a flat vector that begins
   * with this layout (a predictor may follow), only that beginning is read; it stays the caller's.
   */
  follow(query: Tensor1D, momentum: number): void;
}

/** @throws {TypeError} when the vector's length is not the layout's. */
export function createMomentumEncoder(
  engine: Engine,
  layout: ParameterLayout,
  { values }: { readonly values: Float32Array },
): MomentumEncoder {
  const { tf } = engine;
  const { replace, ...held } = holdParameters(engine, layout, values);
  return {
    ...held,
    follow(query, momentum) {
      replace((keys) => {
        const followed: Tensor1D = query.size === layout.size ? query : tf.slice(query, 0, layout.size);
        return tf.add(tf.mul(keys, momentum), tf.mul(followed, 1 - momentum));
      });
    },
  };
}

/** The momentum at a share of the training, 0 to 1: it rises from `start` to 1 along half a cosine. */
export function cosineMomentum(progress: number, { start }: { readonly start: number }): number {
  return 1 - ((1 + Math.cos(Math.PI * progress)) / 2) * (1 - start);
}
