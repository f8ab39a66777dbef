/** What the process that tries an engine tells the one that started it: one JSON object a line. */
import type { CheckValues } from './check-values.ts';

export type ProbeMessage =
  | { readonly phase: 'refused'; readonly reason: string }
  | { readonly phase: 'opened'; readonly description: string }
  | { readonly phase: 'checked'; readonly values: CheckValues }
  | { readonly phase: 'timed'; readonly stepsPerSecond: number }
  | { readonly phase: 'failed'; readonly error: string };

/** Lines that are no such object are what a driver or library printed. */
export function readProbeMessage(line: string): ProbeMessage | null {
  if (!line.startsWith(MARK)) return null;
  return JSON.parse(line.slice(MARK.length)) as ProbeMessage;
}

export function writeProbeMessage(message: ProbeMessage): string {
  return `${MARK}${JSON.stringify(message)}\n`;
}

const MARK = 'engine-probe:';
