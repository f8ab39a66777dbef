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

/** Below, softplus is 0 in float32; above, it is x within 1e-10. */
const lowest = -104;
const highest = 20;
const pointsPerUnit = 32;
const lastInterval = (highest - lowest) * pointsPerUnit - 1;
const coefficients = interpolateSoftplus();

/**
 * ln(1 + e^x), by cubics between points 1/32 apart: the relative error is below 1e-8, because over so short a way the
 * function never grows faster than e^x.
 */
export function softplus(x: number): number {
  const position = (x - lowest) * pointsPerUnit;
  const inside = position < 0 ? 0 : position > lastInterval + 1 ? lastInterval + 1 : position;
  const interval = inside > lastInterval ? lastInterval : inside | 0;
  const t = inside - interval;
  const at = interval * 4;
  const value = ((coefficients[at + 3]! * t + coefficients[at + 2]!) * t + coefficients[at + 1]!) * t;
  const beyond = position - inside;
  return value + coefficients[at]! + (beyond > 0 ? beyond / pointsPerUnit : 0);
}

/** Its slope, the logistic function, within a relative error of 1e-6. */
export function softplusSlope(x: number): number {
  const position = (x - lowest) * pointsPerUnit;
  const inside = position < 0 ? 0 : position > lastInterval + 1 ? lastInterval + 1 : position;
  const interval = inside > lastInterval ? lastInterval : inside | 0;
  const t = inside - interval;
  const at = interval * 4;
  return ((3 * coefficients[at + 3]! * t + 2 * coefficients[at + 2]!) * t + coefficients[at + 1]!) * pointsPerUnit;
}

/** Cubic Hermite coefficients of each interval, lowest power first. */
function interpolateSoftplus(): Float64Array {
  const table = new Float64Array((lastInterval + 1) * 4);
  /** Softplus and its slope per interval at a point. */
  const at = (point: number): [value: number, slope: number] => {
    const power = Math.exp(point / pointsPerUnit + lowest);
    return [Math.log1p(power), power / (1 + power) / pointsPerUnit];
  };
  for (let interval = 0; interval <= lastInterval; interval += 1) {
    const [[y0, slope0], [y1, slope1]] = [at(interval), at(interval + 1)];
    table.set([y0, slope0, 3 * (y1 - y0) - 2 * slope0 - slope1, 2 * (y0 - y1) + slope0 + slope1], interval * 4);
  }
  return table;
}
