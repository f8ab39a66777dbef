/**
 * An error as it may be written to a log or sent to a person: without paths, identifiers or pieces of data.
 *
 * This program's own errors are sentences that begin with "Cannot" or name the coordinator, and hold none of these. Errors
 * of the operating system carry paths and those of parsers carry what they parsed, so of them only the code and the place
 * in this program are told.
 */
import { basename } from 'node:path';

export interface SafeError {
  readonly name: string;
  /** A sentence, when the error is one of this program's own. */
  readonly message: string | null;
  /** Such as `ENOSPC`. */
  readonly code: string | null;
  /** File and line of this program where it happened. */
  readonly where: string | null;
}

const OWN_MESSAGE = /^(Cannot |The coordinator |The download |The resumed download )/;

function placeOf(stack: string | undefined): string | null {
  for (const line of stack?.split('\n') ?? []) {
    const match = /([^/\\(\s]+\.(?:ts|js|mjs|cjs)):(\d+)(?::\d+)?\)?$/.exec(line.trim());
    if (match?.[1] !== undefined && !line.includes('node:')) return `${basename(match[1])}:${match[2]}`;
  }
  return null;
}

export function safeError(error: unknown): SafeError {
  if (!(error instanceof Error)) return { name: typeof error, message: null, code: null, where: null };
  const { code } = error as { code?: unknown };
  const systemCode = typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : null;
  return {
    name: error.name,
    message: systemCode === null && OWN_MESSAGE.test(error.message) ? error.message : null,
    code: systemCode,
    where: placeOf(error.stack),
  };
}

/** The same as one sentence. */
export function safeSentence(error: unknown): string {
  const { name, message, code, where } = safeError(error);
  if (message !== null) return message;
  return `Unexpected ${name}${code === null ? '' : ` (${code})`}${where === null ? '' : ` at ${where}`}.`;
}
