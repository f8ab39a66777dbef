/** What a study answered, as a success or a refusal. */
import type { Decision } from '@wardround/protocols/round/decision.ts';
import { refusals } from '@wardround/protocols/round/refusals.ts';
import { RefusalError } from '../refusal-error.ts';

/** @throws {RefusalError} when the study refused the input. */
export function requireAccepted({ refusal }: Decision): void {
  if (refusal === null) return;
  if (typeof refusal === 'string') throw new RefusalError(refusal, { status: 409, message: refusals[refusal] });
  throw new RefusalError(refusal.finding, {
    status: 422,
    message: 'The update cannot be added, for the reason that the code names. The site is left out of this round.',
  });
}
