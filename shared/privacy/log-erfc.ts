/**
 * The natural logarithm of erfc(x) = 2/sqrt(pi) * integral from x to infinity of exp(-t^2), to about 14 digits. It stays finite
 * where erfc itself is zero in double precision (from x = 27), which is where privacy accounting needs it.
 */
export function logErfc(x: number): number {
  if (x < 0) return Math.log(2 - Math.exp(logErfc(-x)));
  return x < SERIES_BELOW ? Math.log1p(-erfSeries(x)) : -x * x - Math.log(continuedFraction(x) * Math.sqrt(Math.PI));
}

/** The logarithm of the standard normal distribution function. */
export function logNormalCdf(x: number): number {
  return logErfc(-x / Math.SQRT2) - Math.LN2;
}

/** Above it one minus the series loses digits, below it the fraction needs many terms. */
const SERIES_BELOW = 1.25;
const SMALLEST_TERM = 1e-17;
const FRACTION_TERMS = 160;

/** Abramowitz and Stegun 7.1.6, whose terms are all positive. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > SMALLEST_TERM * sum; n += 1) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** Abramowitz and Stegun 7.1.14: x + (1/2)/(x + (2/2)/(x + (3/2)/(x + ...))), from its far end. Larger x need fewer terms. */
function continuedFraction(x: number): number {
  let tail = x;
  for (let n = Math.ceil(FRACTION_TERMS / Math.min(x, 8)); n >= 1; n -= 1) tail = x + n / 2 / tail;
  return tail;
}
