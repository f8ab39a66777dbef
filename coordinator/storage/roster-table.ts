/** The roster's epochs as they were adopted, and the change that waits for members' approval. What may follow what is decided in registry/. */
import type { DatabaseSync } from 'node:sqlite';
import { Roster, RosterApproval, SignedRoster } from '@wardround/protocols/enrolment/roster.ts';
import { z } from 'zod';
import { inTransaction } from './database.ts';

/** The next epoch, with the approvals it has so far. */
const RosterProposal = z.strictObject({ roster: Roster, approvals: z.array(RosterApproval) });
export type RosterProposal = z.infer<typeof RosterProposal>;

export interface RosterTable {
  /** All epochs in order. */
  read(): SignedRoster[];
  readProposal(): RosterProposal | null;
  propose(proposal: RosterProposal): void;
  withdraw(): void;
  /** Adds the epoch and ends the proposal, both or neither. */
  adopt(signed: SignedRoster): void;
}

export function createRosterTable(database: DatabaseSync): RosterTable {
  const list = database.prepare('SELECT signed FROM roster_epochs ORDER BY epoch');
  const insert = database.prepare('INSERT INTO roster_epochs (epoch, signed) VALUES (?, ?)');
  const findProposal = database.prepare('SELECT proposal FROM roster_proposal WHERE id = 1');
  const replaceProposal = database.prepare('INSERT OR REPLACE INTO roster_proposal (id, proposal) VALUES (1, ?)');
  const dropProposal = database.prepare('DELETE FROM roster_proposal');
  return {
    read: () => list.all().map((row) => SignedRoster.parse(JSON.parse(String(row['signed'])))),
    readProposal() {
      const row = findProposal.get();
      return row === undefined ? null : RosterProposal.parse(JSON.parse(String(row['proposal'])));
    },
    propose: (proposal) => void replaceProposal.run(JSON.stringify(proposal)),
    withdraw: () => void dropProposal.run(),
    adopt: (signed) =>
      inTransaction(database, () => {
        insert.run(signed.roster.epoch, JSON.stringify(signed));
        dropProposal.run();
      }),
  };
}
