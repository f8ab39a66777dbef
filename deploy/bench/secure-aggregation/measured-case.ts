/** One row of the results, and what the processes that measure it are told. */
import type { CodeBits } from '@wardround/shared/bytes/code-words.ts';
import { createLayout, type ParameterLayout } from '@wardround/shared/tensors/layout.ts';

export interface MeasuredCase {
  readonly sites: number;
  readonly parameters: number;
  readonly codeBits: CodeBits;
  readonly dropouts: number;
  readonly repeats: number;
}

/** To one process, as JSON. */
export interface MeasureRequest extends Pick<MeasuredCase, 'parameters' | 'codeBits' | 'repeats'> {
  /** A recorded session. */
  readonly session: string;
  /** Empty at first. */
  readonly folder: string;
}

/** With more sites than this every pair of neighbours is one of a graph, and adding up takes long enough to be timed once. */
const MOST_REPEATED_SITES = 64;

export function coordinatorRepeats({ sites, repeats }: Pick<MeasuredCase, 'sites' | 'repeats'>): number {
  return sites > MOST_REPEATED_SITES ? 1 : repeats;
}

export function layoutOf(parameters: number): ParameterLayout {
  return createLayout([{ name: 'all', shape: [parameters], initialiser: { kind: 'zeros' }, group: 'all' }]);
}
