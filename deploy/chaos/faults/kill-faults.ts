/** Where processes are killed: every point of every phase, numbered in order. */
import { POINTS } from '@wardround/shared/failpoints/parse-failpoint.ts';

export interface KillFault {
  readonly number: number;
  readonly phase: string;
  readonly point: (typeof POINTS)[number];
}

/** @param first number of the first one. */
export function killFaults(first: number, phases: readonly string[]): KillFault[] {
  return phases.flatMap((phase, index) =>
    POINTS.map((point, offset) => ({ number: first + POINTS.length * index + offset, phase, point })),
  );
}
