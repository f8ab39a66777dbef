/** What PostgreSQL, its driver and the network say, in the classes of database-errors.ts; their own words are left out. */
import { DatabaseSettingsError, DatabaseUnavailableError } from '../database-errors.ts';

/** PostgreSQL's classes 08 (connection) and 57P (shutdown), locks and timeouts: nothing is wrong with what was asked. */
const passingStates = /^(?:08...|57P0[1-5]|57014|53300|40001|40P01|55P03|25P0[34])$/;
const networkCodes = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);
/** The driver's own errors have no codes. */
const driverWords =
  /^(?:connection terminated|timeout exceeded|query read timeout|client has encountered a connection)/i;
/** Wrong user or password (28), no such database (3D), not allowed (42501). */
const refusingStates = /^(?:28...|3D...|42501)$/;

export function translateError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null;
  if (code !== null && refusingStates.test(code)) {
    return new DatabaseSettingsError(
      `Cannot use the database: it refuses this user (${code}). ` +
        'Check the user, password and database in DATABASE_URL; the user must own the namespace or may create it.',
    );
  }
  const isPassing =
    code === null ? driverWords.test(error.message) : passingStates.test(code) || networkCodes.has(code);
  if (!isPassing) return error;
  return new DatabaseUnavailableError(
    `Cannot reach the database: it does not answer as it should (${code ?? 'connection lost'}). ` +
      'Nothing was acknowledged; ask again when PostgreSQL runs and its address in DATABASE_URL is right.',
  );
}
