/** Reads studies straight from the state folder: a coordinator may run on it or not, nothing is changed. */
import { existsSync } from 'node:fs';
import { applyEvent } from '@wardround/protocols/round/apply-event.ts';
import type { StudyState } from '@wardround/protocols/round/state.ts';
import { readAuditFolder, type StoredAudit } from '../audit/read-audit.ts';
import { readAuditTable } from '../replicas/audit-table.ts';
import { blobPlace } from '../storage/blob-place.ts';
import { readBlobPlace } from '../storage/blob-place-file.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import { databasePlace } from '../storage/database-place.ts';
import { createJournal } from '../storage/journal.ts';
import { openBlobStores } from '../storage/open-blob-stores.ts';
import { openDatabaseForReading } from '../storage/open-database.ts';
import { stateFolder } from '../storage/state-folder.ts';
import { databaseUrl } from './database-url.ts';
import { UnreachableError } from './exit-codes.ts';

export interface StoredStudies {
  /** In the order of their launch. */
  readonly states: readonly StudyState[];
  /** Null where nothing was logged yet. */
  readonly audit: StoredAudit | null;
  /** Plans and weights. */
  readonly published: Pick<BlobStore, 'read' | 'open'>;
}

/** @throws {UnreachableError} when the folder is not a coordinator's. */
export async function readStoredStudies(
  state: string,
  options: { readonly databaseUrl: string | null } = { databaseUrl: databaseUrl() },
): Promise<StoredStudies> {
  const folder = stateFolder(state);
  const databaseAt = databasePlace(folder.database, options.databaseUrl);
  if (!existsSync(databaseAt.kind === 'sqlite' ? databaseAt.file : folder.identity)) {
    throw new UnreachableError(
      'Cannot read the studies: the state folder holds no coordinator’s database. ' +
        'Name the folder with --state, and set DATABASE_URL as for "start" if the database is PostgreSQL.',
    );
  }
  await using database = await openDatabaseForReading(databaseAt);
  const journal = createJournal(database);
  const states: StudyState[] = [];
  for (const study of await journal.studies()) {
    const folded = (await journal.read(study)).reduce<StudyState | null>(applyEvent, null);
    if (folded !== null) states.push(folded);
  }
  const place = blobPlace(await readBlobPlace(folder.blobStore), folder.root);
  const audit = (await readAuditTable(database)) ?? (await readAuditFolder(folder.audit));
  return { states, audit, published: (await openBlobStores(place)).published };
}
