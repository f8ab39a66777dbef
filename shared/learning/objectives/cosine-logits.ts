import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { l2Normalise } from '../ops/l2-normalise.ts';
import { rowProducts } from '../ops/row-products.ts';
import { divideByTemperature, type Temperature } from './temperature.ts';

/** cos(a_i, b_j) / temperature for all rows of a [n, width] and b [m, width]: [n, m]. */
export function cosineLogits(
  engine: Engine,
  { a, b }: { readonly a: Tensor2D; readonly b: Tensor2D },
  { temperature }: { readonly temperature: Temperature },
): Tensor2D {
  const similarities = rowProducts(engine, [l2Normalise(engine, a), l2Normalise(engine, b)]);
  return divideByTemperature(engine, similarities, temperature);
}
