/** What can be wrong with the database itself, whichever it is. None of these repeats an address or a password. */

/** The database was written by a newer Wardround, or is no coordinator's. */
export class DatabaseVersionError extends Error {
  override readonly name = 'DatabaseVersionError';
}

/** The database's file is not what SQLite wrote. */
export class DatabaseDamagedError extends Error {
  override readonly name = 'DatabaseDamagedError';
}

/** The database cannot be reached now. What was asked may or may not have happened: ask again. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
}

/** The database answers, but it cannot be used as it is set up. */
export class DatabaseSettingsError extends Error {
  override readonly name = 'DatabaseSettingsError';
}

/**
 * @param options.known the version this program writes
 * @param options.exactly for a reader, which brings nothing to the newest version
 * @throws {DatabaseVersionError} when this program cannot use a database of version `found`.
 */
export function requireVersion(
  found: number,
  { known, exactly }: { readonly known: number; readonly exactly: boolean },
): void {
  if (found <= known && !(exactly && found < known)) return;
  throw new DatabaseVersionError(
    `Cannot open the database: this coordinator knows version ${known}, found ${found}. ` +
      'Use the version of Wardround that wrote it, or a newer one.',
  );
}
