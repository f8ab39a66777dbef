/** What follows from an input: events, or a refusal, or both (a refusal can leave a trace). */
import type { StudyEvent } from './events.ts';
import type { RefusalCode } from './refusals.ts';

export interface Decision {
  /** To be appended together, in this order. Empty for a repeat. */
  readonly events: readonly StudyEvent[];
  /** Null when the input is to be acknowledged. */
  readonly refusal: Refusal | null;
}

/** `reason` is a finding about the update itself (from checking it), the rest are about its turn. */
export type Refusal = RefusalCode | { readonly finding: string };

export function accept(event: StudyEvent): Decision {
  return { events: [event], refusal: null };
}

export function refuse(refusal: RefusalCode): Decision {
  return { events: [], refusal };
}

/** Acknowledged, and changes nothing. */
export const nothing: Decision = { events: [], refusal: null };
