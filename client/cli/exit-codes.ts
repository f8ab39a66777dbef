/** How `wardround-site` ends, by what its caller can do about it. */
import { InvitationError } from '@wardround/protocols/enrolment/invitation.ts';
import { CoordinatorRefusedError, CoordinatorUnreachableError, UntrustedAnswerError } from '../link/errors.ts';
import { PolicyRefusedError } from '../policy/require-floors.ts';

export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, refused: 4 } as const;

/** The command was called in a way that cannot work. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof InvitationError) return error.code === 'invitation-expired' ? EXIT.refused : EXIT.usage;
  if (error instanceof CoordinatorUnreachableError) return EXIT.unreachable;
  if (error instanceof CoordinatorRefusedError || error instanceof UntrustedAnswerError) return EXIT.refused;
  if (error instanceof PolicyRefusedError) return EXIT.refused;
  return EXIT.failed;
}
