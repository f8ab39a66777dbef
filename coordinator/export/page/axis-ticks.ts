/**
 * Round values inside a range, at steps of 1, 2 or 5 times a power of ten, about `count` of them.
 *
 * @throws {RangeError} when the range is empty or not finite.
 */
export function axisTicks(low: number, high: number, count: number): number[] {
  if (!(Number.isFinite(low) && Number.isFinite(high) && low < high)) {
    throw new RangeError(`Cannot place ticks: the range must be finite and not empty, found ${low} to ${high}`);
  }
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // Multiples are rounded to the step's own decimals, so that 3 * 0.1 is 0.3.
  const decimals = Math.max(0, -Math.floor(Math.log10(step)));
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toFixed(decimals)));
}
