import type { NumericInput } from './clinical-input.ts';

/** A numeric input with the mean and the (population) standard deviation of the training patients' numbers. */
export function numericInput(column: number, numbers: readonly number[]): NumericInput {
  const count = Math.max(numbers.length, 1);
  const mean = numbers.reduce((sum, value) => sum + value, 0) / count;
  const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  return { kind: 'numeric', column, mean, standardDeviation: Math.sqrt(variance) };
}
