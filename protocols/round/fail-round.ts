/** A round that fails takes its study with it. */
import type { StudyEvent } from './events.ts';

export function failRound(
  where: { readonly atMillis: number; readonly stage: number; readonly round: number },
  reason: string,
): StudyEvent[] {
  return [
    { kind: 'round-failed', ...where, reason },
    { kind: 'study-failed', atMillis: where.atMillis, reason },
  ];
}
