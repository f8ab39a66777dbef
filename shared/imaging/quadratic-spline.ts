import type { Interpolation } from './interpolation.ts';

/**
 * Quadratic B-spline interpolation with the first and last samples in their places and mirroring at the edges
 * (`scipy.ndimage.zoom` with order 2; MEDFORM's fixed number of slices): the spline that passes through every sample.
 *
 * Unser et al. 1993, "B-spline signal processing": coefficients by a recursive filter, then the spline at the new places.
 */
export function quadraticSplineCornerAligned(from: number, to: number): Interpolation {
  const step = to > 1 ? (from - 1) / (to - 1) : 0;
  const impulses = Array.from({ length: from }, (_, sample) => splineCoefficients(from, sample));
  const taps = Array.from({ length: to }, (_, index) => {
    const at = index * step;
    const middle = Math.floor(at + 0.5);
    const weights = new Float64Array(from);
    for (let offset = -1; offset <= 1; offset += 1) {
      const weight = quadraticKernel(at - middle - offset);
      const knot = mirrored(middle + offset, from);
      for (let sample = 0; sample < from; sample += 1) weights[sample]! += weight * impulses[sample]![knot]!;
    }
    return { first: 0, weights };
  });
  return { from, taps };
}

/** The quadratic B-spline, three pieces wide. */
function quadraticKernel(x: number): number {
  const distance = Math.abs(x);
  if (distance < 0.5) return 0.75 - distance ** 2;
  return distance < 1.5 ? (1.5 - distance) ** 2 / 2 : 0;
}

/** The spline coefficients of the signal that is 1 at `sample` and 0 elsewhere. */
function splineCoefficients(count: number, sample: number): Float64Array {
  const coefficients = new Float64Array(count);
  coefficients[sample] = 1;
  if (count === 1) return coefficients;
  const pole = Math.sqrt(8) - 3;
  const gain = (1 - pole) * (1 - 1 / pole);
  for (let i = 0; i < count; i += 1) coefficients[i]! *= gain;
  // The causal filter begins as if the signal had been mirrored for ever: a geometric sum over one period.
  const period = 2 * (count - 1);
  let first = 0;
  for (let i = 0; i < period; i += 1) first += pole ** i * coefficients[mirrored(i, count)]!;
  coefficients[0] = first / (1 - pole ** period);
  for (let i = 1; i < count; i += 1) coefficients[i]! += pole * coefficients[i - 1]!;
  const last = count - 1;
  coefficients[last] = (pole / (pole ** 2 - 1)) * (coefficients[last]! + pole * coefficients[last - 1]!);
  for (let i = last - 1; i >= 0; i -= 1) coefficients[i] = pole * (coefficients[i + 1]! - coefficients[i]!);
  return coefficients;
}

/** The place inside 0..count-1 that a place outside mirrors, without repeating the edge. */
function mirrored(place: number, count: number): number {
  if (count === 1) return 0;
  const period = 2 * (count - 1);
  const unfolded = ((place % period) + period) % period;
  return unfolded < count ? unfolded : period - unfolded;
}
