import type { CheckValues } from './check-values.ts';

/** Engines sum in another order, and training steps carry the difference on. */
const RELATIVE_TOLERANCE = 2e-3;

/**
 * The first computation whose numbers differ from the reference's by more than rounding, as one sentence; null if none
 * does. A difference counts against the largest number of the computation.
 */
export function firstDifference(values: CheckValues, reference: CheckValues): string | null {
  for (const [name, expected] of Object.entries(reference)) {
    const found = values[name] ?? [];
    if (found.length !== expected.length) {
      return `It computes ${name} wrong: ${expected.length} numbers are needed, found ${found.length}.`;
    }
    const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    const index = expected.findIndex((value, at) => !(Math.abs(found[at]! - value) <= RELATIVE_TOLERANCE * scale));
    if (index >= 0) {
      return `It computes ${name} wrong: ${expected[index]} is right, found ${found[index]}.`;
    }
  }
  return null;
}
