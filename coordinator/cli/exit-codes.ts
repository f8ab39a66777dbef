/** How a command ends: 0 done, 1 failed, 2 wrong usage, 3 the coordinator or its database cannot be reached or its folder is in use, 4 refused. */

import { AlreadyRunningError } from '@wardround/shared/files/instance-lock.ts';
import { RefusalError } from '../refusal-error.ts';
import { DatabaseUnavailableError } from '../storage/database-errors.ts';

export const exitCodes = { done: 0, failed: 1, usage: 2, unreachable: 3, refused: 4 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The command line is not one that can be followed. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Nobody answers, or not the one that should. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return exitCodes.usage;
  if (error instanceof UnreachableError || error instanceof AlreadyRunningError) return exitCodes.unreachable;
  if (error instanceof DatabaseUnavailableError) return exitCodes.unreachable;
  if (error instanceof RefusalError) return exitCodes.refused;
  return exitCodes.failed;
}
