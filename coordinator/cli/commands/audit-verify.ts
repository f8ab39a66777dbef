import { readFile } from 'node:fs/promises';
import { compareJournals } from '@wardround/protocols/audit/compare-journals.ts';
import { studyEventHash } from '@wardround/protocols/audit/log-record.ts';
import { verifyLog } from '@wardround/protocols/audit/verify-log.ts';
import { fingerprint, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { defineCommand } from 'citty';
import { readAuditFolder, type StoredAudit } from '../../audit/read-audit.ts';
import { readAuditTable } from '../../replicas/audit-table.ts';
import { databasePlace } from '../../storage/database-place.ts';
import { readIdentity } from '../../storage/identity-file.ts';
import { createJournal } from '../../storage/journal.ts';
import { openDatabaseForReading } from '../../storage/open-database.ts';
import { type StateFolder, stateFolder } from '../../storage/state-folder.ts';
import { stateArgument } from '../arguments.ts';
import { databaseUrl } from '../database-url.ts';
import { UnreachableError, UsageError } from '../exit-codes.ts';
import { print } from '../print.ts';

export const auditVerify = defineCommand({
  meta: {
    name: 'verify',
    description: 'Check the audit log, its checkpoints, the sites’ cosignatures and the journals; nothing is changed',
  },
  args: {
    checkpoint: {
      type: 'string',
      description:
        'A checkpoint that a site has seen ("wardround-site audit show --checkpoint"), to check the log against',
      valueHint: 'FILE',
    },
    ...stateArgument,
  },
  async run({ args }) {
    const folder = stateFolder(args.state);
    const identity = await readIdentity(folder.identity);
    const stored = identity === null ? null : await readStored(folder);
    if (identity === null || stored === null) {
      throw new UnreachableError(
        'Cannot verify: the state folder holds no coordinator’s keys and audit log. Name the folder with --state.',
      );
    }
    const keys = publicKeys(identity);
    const { lines, checkpoints } = stored;
    const seenElsewhere = args.checkpoint === undefined ? [] : [await readCheckpoint(args.checkpoint)];
    const finding = verifyLog(lines, {
      log: { fingerprint: fingerprint(keys), signingKey: keys.signingKey },
      checkpoints,
      seenElsewhere,
    });
    if (!finding.ok) throw new AuditFailedError(finding.fault.sentence);
    const compared = compareJournals(finding.records, await journalHashes(folder));
    if (!compared.ok) throw new AuditFailedError(compared.fault.sentence);
    const { records, cosignatures } = finding;
    print(
      `The audit log is whole: ${records.length} records, ${checkpoints.length} checkpoints, ${cosignatures} cosignatures by sites; the journals agree.`,
    );
    if (seenElsewhere.length > 0) print('It begins with what the site has seen.');
  },
});

/** What was found is not what was written. */
class AuditFailedError extends Error {
  override readonly name = 'AuditFailedError';
}

async function readCheckpoint(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new UsageError('The checkpoint cannot be read. Name the file that the site wrote.');
  }
}

async function readStored(folder: StateFolder): Promise<StoredAudit | null> {
  const place = databasePlace(folder.database, databaseUrl());
  if (place.kind === 'postgresql') {
    await using database = await openDatabaseForReading(place);
    const shared = await readAuditTable(database);
    if (shared !== null) return shared;
  }
  return readAuditFolder(folder.audit);
}

async function journalHashes(folder: StateFolder) {
  await using database = await openDatabaseForReading(databasePlace(folder.database, databaseUrl()));
  const journal = createJournal(database);
  const journals = [];
  for (const study of await journal.studies()) {
    journals.push({ study, events: (await journal.read(study)).map(studyEventHash) });
  }
  return journals;
}
