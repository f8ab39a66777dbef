/** Reads studies straight from the state folder: a coordinator may run on it or not, nothing is changed. */
import { existsSync } from 'node:fs';
import { applyEvent } from '@wardround/protocols/round/apply-event.ts';
import type { StudyState } from '@wardround/protocols/round/state.ts';
import { openBlobFolder } from '../storage/blob-folder.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import { openDatabaseForReading } from '../storage/database.ts';
import { databasePlace } from '../storage/database-place.ts';
import { createJournal } from '../storage/journal.ts';
import { stateFolder } from '../storage/state-folder.ts';
import { databaseUrl } from './database-url.ts';
import { UnreachableError } from './exit-codes.ts';

export interface StoredStudies {
  /** In the order of their launch. */
  readonly states: readonly StudyState[];
  /** Plans and weights. */
  readonly published: Pick<BlobStore, 'read' | 'open'>;
}

/** @throws {UnreachableError} when the folder is not a coordinator's. */
export async function readStoredStudies(
  state: string,
  options: { readonly databaseUrl: string | null } = { databaseUrl: databaseUrl() },
): Promise<StoredStudies> {
  const folder = stateFolder(state);
  const place = databasePlace(folder.database, options.databaseUrl);
  if (!existsSync(place.kind === 'sqlite' ? place.file : folder.identity)) {
    throw new UnreachableError(
      'Cannot read the studies: the state folder holds no coordinator’s database. ' +
        'Name the folder with --state, and set DATABASE_URL as for "start" if the database is PostgreSQL.',
    );
  }
  await using database = await openDatabaseForReading(place);
  const journal = createJournal(database);
  const states: StudyState[] = [];
  for (const study of await journal.studies()) {
    const folded = (await journal.read(study)).reduce<StudyState | null>(applyEvent, null);
    if (folded !== null) states.push(folded);
  }
  return { states, published: openBlobFolder(folder.published) };
}
