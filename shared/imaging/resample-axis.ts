import type { Interpolation } from './interpolation.ts';

/**
 * Resamples one axis of numbers of any shape, row-major. Sums are taken in float64.
 *
 * @throws {TypeError} when the numbers do not fill the shape or the axis is not as long as the interpolation expects.
 */
export function resampleAxis(
  values: Float32Array,
  shape: readonly number[],
  { axis, interpolation }: { readonly axis: number; readonly interpolation: Interpolation },
): { readonly values: Float32Array; readonly shape: number[] } {
  const { from, taps } = interpolation;
  const outer = product(shape.slice(0, axis));
  const inner = product(shape.slice(axis + 1));
  if (shape[axis] !== from || values.length !== outer * from * inner) {
    throw new TypeError(
      `Cannot resample: axis ${axis} of [${shape.join(', ')}] must have ${from} samples and the shape ${values.length} numbers`,
    );
  }
  const resampled = new Float32Array(outer * taps.length * inner);
  const sums = new Float64Array(inner);
  for (let block = 0; block < outer; block += 1) {
    taps.forEach(({ first, weights }, sample) => {
      sums.fill(0);
      weights.forEach((weight, offset) => {
        const start = (block * from + first + offset) * inner;
        for (let i = 0; i < inner; i += 1) sums[i]! += weight * values[start + i]!;
      });
      resampled.set(sums, (block * taps.length + sample) * inner);
    });
  }
  return { values: resampled, shape: [...shape.slice(0, axis), taps.length, ...shape.slice(axis + 1)] };
}

/** Resamples several axes one after the other. */
export function resampleAxes(
  values: Float32Array,
  shape: readonly number[],
  interpolations: readonly (Interpolation & { readonly axis: number })[],
): Float32Array {
  let resampled: { readonly values: Float32Array; readonly shape: readonly number[] } = { values, shape };
  for (const { axis, ...interpolation } of interpolations) {
    resampled = resampleAxis(resampled.values, resampled.shape, { axis, interpolation });
  }
  return resampled.values;
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}
