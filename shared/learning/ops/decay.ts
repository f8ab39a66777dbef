/**
 * Exponentials as fast as a few multiplications, for the millions of decays of a selective scan: a table of 32 points
 * an octave, and a cubic between them. The relative error is below 1e-8, less than a float32 step.
 */
const pointsPerOctave = 32;
/** Half of float32's smallest number lies at -104.0; beyond it a decay is 0. */
const lastPoint = Math.ceil((104 / Math.LN2) * pointsPerOctave);
const scale = pointsPerOctave / Math.LN2;
const step = Math.LN2 / pointsPerOctave;
const powers = Float64Array.from({ length: lastPoint + 1 }, (_, point) => Math.exp(-point * step));

/** e^exponent for exponents that are mostly below 0. What is not a number stays so. */
export function decay(exponent: number): number {
  if (exponent > 0) return Math.exp(exponent);
  const position = -exponent * scale;
  if (position >= lastPoint) return 0;
  const point = position | 0;
  const r = (point - position) * step;
  return powers[point]! * (1 + r * (1 + r * (0.5 + r * (1 / 6))));
}

const intervals = 64;
const logarithms = interpolateLogarithm();

/** softplus(x) = ln(1 + e^x) and its slope, the logistic function; both keep their relative accuracy far below 0. */
export function softplus(x: number): number {
  const small = decay(x > 0 ? -x : x);
  const position = small * intervals;
  const interval = position < intervals ? position | 0 : intervals - 1;
  const t = position - interval;
  const at = interval * 4;
  const ratio = ((logarithms[at + 3]! * t + logarithms[at + 2]!) * t + logarithms[at + 1]!) * t + logarithms[at]!;
  return small * ratio + (x > 0 ? x : 0);
}

export function softplusSlope(x: number): number {
  const small = decay(x > 0 ? -x : x);
  return (x > 0 ? 1 : small) / (1 + small);
}

/** Cubic Hermite coefficients of ln(1 + e) / e between 64 points of 0..1, lowest power first. */
function interpolateLogarithm(): Float64Array {
  const table = new Float64Array(intervals * 4);
  const at = (point: number): [value: number, slope: number] => {
    const e = point / intervals;
    if (point === 0) return [1, -0.5 / intervals];
    return [Math.log1p(e) / e, (1 / (1 + e) - Math.log1p(e) / e) / e / intervals];
  };
  for (let interval = 0; interval < intervals; interval += 1) {
    const [[y0, slope0], [y1, slope1]] = [at(interval), at(interval + 1)];
    table.set([y0, slope0, 3 * (y1 - y0) - 2 * slope0 - slope1, 2 * (y0 - y1) + slope0 + slope1], interval * 4);
  }
  return table;
}
