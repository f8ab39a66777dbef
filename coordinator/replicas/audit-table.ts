/**
 * The audit log of replicas, in their database. Every replica may append, each only behind the very line that it has seen
 * last; there is one line of a number and one checkpoint of a size, so no two replicas can ever tell sites different things.
 */
import { AuditConflictError, type AuditStore } from '../audit/audit-store.ts';
import type { StoredAudit } from '../audit/read-audit.ts';
import type { Database } from '../storage/database.ts';
import { isUniqueViolation } from '../storage/is-unique-violation.ts';

export function createAuditTable(database: Database): AuditStore {
  const { tables } = database;
  const get = async (size: number): Promise<string | null> => {
    const row = await tables.selectFrom('audit_checkpoints').select('note').where('size', '=', size).executeTakeFirst();
    return row?.note ?? null;
  };
  const rows = () => tables.selectFrom('audit_checkpoints').orderBy('size');
  return {
    isShared: true,
    place: 'the database',
    async read(from) {
      const lines = await tables
        .selectFrom('audit_records')
        .select(['seq', 'line'])
        .where('seq', '>=', from)
        .orderBy('seq')
        .execute();
      return lines.map(({ line }) => line);
    },
    async append(lines, { position, before }) {
      if (lines.length === 0) return;
      try {
        await database.transaction(async (written) => {
          const last = await written
            .selectFrom('audit_records')
            .select('line')
            .where('seq', '=', position - 1)
            .executeTakeFirst();
          if ((last?.line ?? null) !== before) throw conflict();
          await written
            .insertInto('audit_records')
            .values(lines.map((line, index) => ({ seq: position + index, line })))
            .execute();
        });
      } catch (error) {
        throw isUniqueViolation(error) ? conflict() : error;
      }
    },
    checkpoints: {
      sizes: async () => (await rows().select('size').execute()).map(({ size }) => size),
      notes: async () => (await rows().select('note').execute()).map(({ note }) => note),
      get,
      async add(size, note) {
        await tables
          .insertInto('audit_checkpoints')
          .values({ size, note })
          .onConflict((conflicting) => conflicting.doNothing())
          .execute();
        return (await get(size)) ?? note;
      },
      sign: (size, line) =>
        database.transaction(async (written) => {
          const { note } = await written
            .selectFrom('audit_checkpoints')
            .select('note')
            .where('size', '=', size)
            .$if(database.kind === 'postgresql', (query) => query.forUpdate())
            .executeTakeFirstOrThrow();
          // The same signature from a site that asked twice.
          const signed = note.includes(`\n${line}\n`) ? note : `${note}${line}\n`;
          await written.updateTable('audit_checkpoints').set({ note: signed }).where('size', '=', size).execute();
          return signed;
        }),
    },
    close: async () => undefined,
  };
}

function conflict(): AuditConflictError {
  return new AuditConflictError('Cannot append to the audit log: another replica has. Read what it wrote first.');
}

/** To check it, nothing is changed; null when no replica has run on the database. */
export async function readAuditTable(database: Database): Promise<StoredAudit | null> {
  const { tables } = database;
  const known = await tables.selectFrom('instance').select('value').where('name', '=', 'audit').executeTakeFirst();
  if (known === undefined) return null;
  const store = createAuditTable(database);
  // The checkpoints first, as in a folder.
  const checkpoints = await store.checkpoints.notes();
  return { lines: await store.read(0), checkpoints };
}
