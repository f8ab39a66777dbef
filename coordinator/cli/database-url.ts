/** The address of the PostgreSQL database in the environment variable DATABASE_URL; null for SQLite in the state folder. */
export function databaseUrl(): string | null {
  return process.env['DATABASE_URL'] || null;
}
