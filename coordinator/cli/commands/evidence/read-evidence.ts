/** Reads the kept evidence straight from the database, and checks it with the keys that the roster has had. */
import { type EvidenceFinding, verifyEvidence } from '@wardround/protocols/audit/verify-evidence.ts';
import { databasePlace } from '../../../storage/database-place.ts';
import { createEvidenceTable, type StoredEvidence } from '../../../storage/evidence-table.ts';
import { openDatabaseForReading } from '../../../storage/open-database.ts';
import { createRosterTable } from '../../../storage/roster-table.ts';
import { stateFolder } from '../../../storage/state-folder.ts';
import { databaseUrl } from '../../database-url.ts';

export interface CheckedEvidence {
  readonly evidence: StoredEvidence;
  readonly finding: EvidenceFinding;
}

export async function readEvidence(state: string): Promise<CheckedEvidence[]> {
  await using database = await openDatabaseForReading(databasePlace(stateFolder(state).database, databaseUrl()));
  const rosters = await createRosterTable(database).read();
  const keysOf = (site: string): string[] =>
    rosters.flatMap(({ roster }) => roster.sites.filter((member) => member.site === site)).map((own) => own.signingKey);
  return (await createEvidenceTable(database).list()).map((evidence) => {
    const { site, document } = evidence;
    return { evidence, finding: verifyEvidence(document, { site, signingKeys: keysOf(site) }) };
  });
}
