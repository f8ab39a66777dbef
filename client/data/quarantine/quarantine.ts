import type { QuarantineCounts } from '@wardround/protocols/session/messages.ts';
import { QUARANTINE_REASONS, type QuarantineReason } from './reasons.ts';

/** Counts what could not be used, by reason. */
export interface Quarantine {
  add(reason: QuarantineReason, count?: number): void;
  /** Reasons that occurred, in the order of the list. */
  counts(): QuarantineCounts;
}

export function createQuarantine(): Quarantine {
  const counts = new Map<QuarantineReason, number>();
  return {
    add: (reason, count = 1) => {
      if (count > 0) counts.set(reason, (counts.get(reason) ?? 0) + count);
    },
    counts: () => {
      const found: QuarantineCounts = {};
      for (const reason of QUARANTINE_REASONS) {
        const count = counts.get(reason);
        if (count !== undefined) found[reason] = count;
      }
      return found;
    },
  };
}
