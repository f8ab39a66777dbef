/** Brings the audit log of a coordinator that becomes the first of several replicas into the database, once. */
import { existsSync } from 'node:fs';
import { logFile, openAuditFolder } from '../audit/audit-folder.ts';
import type { Database } from '../storage/database.ts';
import { note, ReplicaSettingsError } from './instance-table.ts';

/**
 * @param auditFolder of the state folder of this replica.
 * @throws {ReplicaSettingsError} when the log of the studies that there are is not here.
 */
export async function takeOverAudit(database: Database, auditFolder: string): Promise<void> {
  await using folder = existsSync(logFile(auditFolder)) ? await opened(auditFolder) : null;
  await database.transaction(async (tables) => {
    // Waits for another replica that does the same now.
    if (!(await note({ tables }, 'audit', 'database')).isNew) return;
    const first = await tables.selectFrom('events').select('seq').limit(1).executeTakeFirst();
    if (folder === null && first !== undefined) {
      throw new ReplicaSettingsError(
        'Cannot start: the database has studies, and their audit log is not in the state folder. ' +
          'Start the first replica with --state of the coordinator that has run them.',
      );
    }
    for (const [seq, line] of (folder?.lines ?? []).entries()) {
      await tables.insertInto('audit_records').values({ seq, line }).execute();
    }
    for (const { size, content } of folder?.notes ?? []) {
      await tables.insertInto('audit_checkpoints').values({ size, note: content }).execute();
    }
  });
}

async function opened(auditFolder: string) {
  const store = await openAuditFolder(auditFolder);
  const notes: { size: number; content: string }[] = [];
  for (const size of await store.checkpoints.sizes()) {
    notes.push({ size, content: (await store.checkpoints.get(size)) ?? '' });
  }
  return { lines: await store.read(0), notes, [Symbol.asyncDispose]: () => store.close() };
}
