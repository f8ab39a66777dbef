/** What all replicas of a coordinator must agree on: whose keys they have, and where the audit log is. */
import type { Database } from '../storage/database.ts';

/** This process and the database belong to different coordinators, or to different ways of running one. */
export class ReplicaSettingsError extends Error {
  override readonly name = 'ReplicaSettingsError';
}

/** @throws {ReplicaSettingsError} when the database is another coordinator's. */
export async function requireFingerprint(database: Database, fingerprint: string): Promise<void> {
  if ((await note(database, 'fingerprint', fingerprint)).value === fingerprint) return;
  throw new ReplicaSettingsError(
    'Cannot start: the database belongs to a coordinator with other keys. ' +
      'Give every replica the same identity with --identity, or name another schema in DATABASE_URL.',
  );
}

/** @throws {ReplicaSettingsError} when replicas have run on the database: their log is in it, and only replicas go on with it. */
export async function requireAuditInFolder({ tables }: Database): Promise<void> {
  const row = await tables.selectFrom('instance').select('value').where('name', '=', 'audit').executeTakeFirst();
  if (row === undefined) return;
  throw new ReplicaSettingsError(
    'Cannot start: replicas have run on this database, and the audit log is in it. Start with --replica, also where one is enough.',
  );
}

/** Notes it where nothing was noted before. @returns what was noted first. */
export async function note(
  { tables }: Pick<Database, 'tables'>,
  name: 'fingerprint' | 'audit',
  value: string,
): Promise<{ readonly value: string; readonly isNew: boolean }> {
  const { numInsertedOrUpdatedRows } = await tables
    .insertInto('instance')
    .values({ name, value })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  const row = await tables.selectFrom('instance').select('value').where('name', '=', name).executeTakeFirstOrThrow();
  return { value: row.value, isNew: numInsertedOrUpdatedRows === 1n };
}
