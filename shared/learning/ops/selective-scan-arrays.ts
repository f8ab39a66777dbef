import type { ScanSizes } from './selective-scan-method.ts';

/** The numbers of a selective scan's inputs, or of their gradients, laid out as their tensors are. */
export interface ScanArrays {
  readonly u: Float32Array;
  readonly delta: Float32Array;
  readonly deltaBias: Float32Array;
  readonly aLog: Float32Array;
  readonly b: Float32Array;
  readonly c: Float32Array;
  readonly d: Float32Array;
}

/**
 * How many tokens a segment has. The root of the length takes the least memory for states kept, one a segment, plus states
 * computed again, one segment's (Chen et al. 2016, arXiv 1604.06174).
 */
export function segmentLength({ length }: ScanSizes): number {
  return Math.ceil(Math.sqrt(length));
}

/** exp(dt A) needs the rates A = -exp(aLog). */
export function decayRates(aLog: Float32Array): Float64Array {
  return Float64Array.from(aLog, (value) => -Math.exp(value));
}
