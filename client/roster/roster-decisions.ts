/** The next roster epoch that waits for members, as this site last saw it, and whether somebody here has approved it. */
import { Roster } from '@wardround/protocols/enrolment/roster.ts';
import { Sha256 } from '@wardround/protocols/names.ts';
import { z } from 'zod';
import { readStateFile, type StateFile, writeStateFile } from '../state/state-file.ts';

const RosterDecisions = z.strictObject({
  format: z.literal('wardround-roster-decisions/1'),
  waiting: Roster.nullable(),
  /** The hash of the epoch that a person approved: of no other with the same number. */
  approved: Sha256.nullable(),
});
type RosterDecisions = z.infer<typeof RosterDecisions>;

const DECISIONS: StateFile<RosterDecisions> = {
  name: 'roster-decisions.json',
  schema: RosterDecisions,
  remedy: 'Remove the file: what waits comes back, and is approved again with "wardround-site roster approve".',
};

export async function readRosterDecisions(folder: string): Promise<RosterDecisions> {
  const kept = await readStateFile(folder, DECISIONS);
  return kept ?? { format: 'wardround-roster-decisions/1', waiting: null, approved: null };
}

export async function writeRosterDecisions(folder: string, change: Partial<RosterDecisions>): Promise<void> {
  await writeStateFile(folder, DECISIONS, { ...(await readRosterDecisions(folder)), ...change });
}
