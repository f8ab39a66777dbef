/** Rényi differential privacy over a fixed set of orders: steps add up, and what was spent converts to (epsilon, delta). */
import { type SubsampledGaussian, subsampledGaussianRdp } from './subsampled-gaussian.ts';

/** The orders of Google's dp_accounting: dense where budgets of daily use are tight, sparse where only tiny ones are. */
export const RDP_ORDERS: readonly number[] = [
  ...Array.from({ length: 99 }, (_, index) => (11 + index) / 10),
  ...Array.from({ length: 53 }, (_, index) => 11 + index),
  128,
  256,
  512,
  1024,
];

/** How many times a mechanism runs. */
export interface RepeatedGaussian extends SubsampledGaussian {
  readonly steps: number;
}

/** What the mechanisms spend together, at each of the orders. */
export function composedRdp(runs: readonly RepeatedGaussian[], orders: readonly number[] = RDP_ORDERS): number[] {
  return orders.map((alpha) => runs.reduce((sum, run) => sum + run.steps * subsampledGaussianRdp(run, alpha), 0));
}

/**
 * The smallest epsilon that the spending at the given orders proves for this delta, and the order that proves it
 * (Canonne, Kamath and Steinke 2020, arXiv 2004.00010, proposition 12).
 *
 * @throws {RangeError} when delta is not above 0 and below 1, or there is not one spending an order.
 */
export function epsilonOfRdp(
  rdp: readonly number[],
  { delta, orders = RDP_ORDERS }: { readonly delta: number; readonly orders?: readonly number[] },
): { epsilon: number; order: number } {
  if (!(delta > 0 && delta < 1)) {
    throw new RangeError(`Cannot convert to epsilon: delta must be above 0 and below 1, found ${delta}`);
  }
  if (rdp.length !== orders.length || orders.length === 0) {
    throw new RangeError(`Cannot convert to epsilon: needed ${orders.length} orders' spending, found ${rdp.length}`);
  }
  let best = { epsilon: Number.POSITIVE_INFINITY, order: orders[0]! };
  for (const [index, order] of orders.entries()) {
    const spent = rdp[index]!;
    if (spent === 0) return { epsilon: 0, order };
    const epsilon = spent + Math.log1p(-1 / order) - Math.log(delta * order) / (order - 1);
    if (epsilon < best.epsilon) best = { epsilon: Math.max(0, epsilon), order };
  }
  return best;
}

/** The epsilon that the mechanisms together cost. */
export function epsilonSpent(runs: readonly RepeatedGaussian[], { delta }: { readonly delta: number }): number {
  return epsilonOfRdp(composedRdp(runs), { delta }).epsilon;
}
