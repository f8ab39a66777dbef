/**
 * Resampling along one axis as a linear map: which old samples each new sample is a weighted sum of. Images and volumes are
 * resampled one axis after the other, on the host (`resampleAxis`) or on an engine (`resampleImages`).
 *
 * The conventions differ in where new samples lie and do not give the same numbers; each is named after what defines it.
 */
export interface Interpolation {
  readonly from: number;
  /** One per new sample: weights of consecutive old samples, beginning with `first`. */
  readonly taps: readonly Taps[];
}

export interface Taps {
  readonly first: number;
  readonly weights: Float64Array;
}

/** Half-pixel centres, edges repeated, no smoothing when shrinking (`align_corners=False, antialias=False` in PyTorch). */
export function bilinear(from: number, to: number): Interpolation {
  return linearAt(
    from,
    positions(to, (index) => Math.max(((index + 0.5) * from) / to - 0.5, 0)),
  );
}

/** Half-pixel centres; when shrinking, the triangle widens with the scale (PyTorch's `antialias=True`, Pillow). */
export function bilinearAntialiased(from: number, to: number): Interpolation {
  return filtered(from, to, { radius: 1, kernel: (x) => Math.max(0, 1 - Math.abs(x)) });
}

/** Half-pixel centres, a = -0.75, edges repeated, no smoothing when shrinking (PyTorch's `antialias=False`). */
export function bicubic(from: number, to: number): Interpolation {
  const a = -0.75;
  const taps = positions(to, (index) => ((index + 0.5) * from) / to - 0.5).map((at) => {
    const before = Math.floor(at) - 1;
    const weights = [0, 1, 2, 3].map((offset) => cubicKernel(at - before - offset, a));
    return clampedTaps(from, before, weights);
  });
  return { from, taps };
}

/** Half-pixel centres, a = -0.5; when shrinking, the kernel widens with the scale (PyTorch's `antialias=True`, Pillow). */
export function bicubicAntialiased(from: number, to: number): Interpolation {
  return filtered(from, to, { radius: 2, kernel: (x) => cubicKernel(x, -0.5) });
}

/** The first and last samples keep their places (`scipy.ndimage.zoom` with order 1). */
export function linearCornerAligned(from: number, to: number): Interpolation {
  const step = to > 1 ? (from - 1) / (to - 1) : 0;
  return linearAt(
    from,
    positions(to, (index) => index * step),
  );
}

/** Samples `newSpacing` apart from the first sample's centre on, where the old ones are `spacing` apart; edges repeated (SimpleITK). */
export function linearPhysical(
  from: number,
  to: number,
  { spacing, newSpacing }: { readonly spacing: number; readonly newSpacing: number },
): Interpolation {
  return linearAt(
    from,
    positions(to, (index) => (index * newSpacing) / spacing),
  );
}

/** The sample that the new one's beginning falls into (PyTorch's `nearest`): for labels. */
export function nearest(from: number, to: number): Interpolation {
  const taps = positions(to, (index) => Math.min(Math.floor((index * from) / to), from - 1)).map((first) => ({
    first,
    weights: Float64Array.of(1),
  }));
  return { from, taps };
}

/** How many samples of `newSpacing` cover what `size` samples of `spacing` cover; halves round to even, as in NumPy. */
export function resampledSize(
  size: number,
  { spacing, newSpacing }: { readonly spacing: number; readonly newSpacing: number },
): number {
  const exact = (size * spacing) / newSpacing;
  const below = Math.floor(exact);
  if (exact - below !== 0.5) return Math.round(exact);
  return below % 2 === 0 ? below : below + 1;
}

function positions(count: number, at: (index: number) => number): number[] {
  return Array.from({ length: count }, (_, index) => at(index));
}

function linearAt(from: number, places: readonly number[]): Interpolation {
  const taps = places.map((place) => {
    const at = Math.min(Math.max(place, 0), from - 1);
    const first = Math.min(Math.floor(at), Math.max(from - 2, 0));
    const share = at - first;
    return { first, weights: from === 1 ? Float64Array.of(1) : Float64Array.of(1 - share, share) };
  });
  return { from, taps };
}

/** Pillow's resampling: a kernel around the new sample's centre, as wide as the shrinking asks for, cut at the edges. */
function filtered(
  from: number,
  to: number,
  { radius, kernel }: { readonly radius: number; readonly kernel: (x: number) => number },
): Interpolation {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const taps = positions(to, (index) => (index + 0.5) * scale).map((centre) => {
    const first = Math.max(0, Math.trunc(centre - radius * stretch + 0.5));
    const end = Math.min(from, Math.trunc(centre + radius * stretch + 0.5));
    const weights = Float64Array.from({ length: end - first }, (_, tap) =>
      kernel((first + tap + 0.5 - centre) / stretch),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
  return { from, taps };
}

/** Keys' cubic convolution kernel (1981) with the free parameter `a`. */
function cubicKernel(x: number, a: number): number {
  const distance = Math.abs(x);
  if (distance < 1) return ((a + 2) * distance - (a + 3)) * distance ** 2 + 1;
  if (distance < 2) return (((distance - 5) * distance + 8) * distance - 4) * a;
  return 0;
}

/** Weights that reach over an edge count for the sample at the edge. */
function clampedTaps(from: number, begin: number, weights: readonly number[]): Taps {
  const clamp = (place: number) => Math.min(Math.max(place, 0), from - 1);
  const first = clamp(begin);
  const inside = new Float64Array(clamp(begin + weights.length - 1) - first + 1);
  weights.forEach((weight, offset) => {
    inside[clamp(begin + offset) - first]! += weight;
  });
  return { first, weights: inside };
}
