/** The roster's epochs as they were adopted, and the change that waits for members' approval. What may follow what is decided in registry/. */
import { Roster, RosterApproval, SignedRoster } from '@wardround/protocols/enrolment/roster.ts';
import { z } from 'zod';
import type { Database } from './database.ts';

/** The next epoch, with the approvals it has so far. */
const RosterProposal = z.strictObject({ roster: Roster, approvals: z.array(RosterApproval) });
export type RosterProposal = z.infer<typeof RosterProposal>;

export interface RosterTable {
  /** All epochs in order. */
  read(): Promise<SignedRoster[]>;
  /** Changes whenever an epoch or the proposal does. */
  version(): Promise<string>;
  readProposal(): Promise<RosterProposal | null>;
  propose(proposal: RosterProposal): Promise<void>;
  withdraw(): Promise<void>;
  /**
   * Adds the epoch and ends the proposal, both or neither. The very same may be repeated when its answer was lost.
   *
   * @throws {RangeError} when another roster was adopted in its place.
   */
  adopt(signed: SignedRoster): Promise<void>;
}

export function createRosterTable(database: Database): RosterTable {
  const { tables } = database;
  return {
    async read() {
      const rows = await tables.selectFrom('roster_epochs').select('signed').orderBy('epoch').execute();
      return rows.map(({ signed }) => SignedRoster.parse(JSON.parse(signed)));
    },
    async version() {
      const newest = await tables
        .selectFrom('roster_epochs')
        .select(({ fn }) => fn.max('epoch').as('epoch'))
        .executeTakeFirst();
      const proposed = await tables.selectFrom('roster_proposal').select('proposal').executeTakeFirst();
      return `${newest?.epoch ?? 0} ${proposed?.proposal ?? ''}`;
    },
    async readProposal() {
      const row = await tables.selectFrom('roster_proposal').select('proposal').where('id', '=', 1).executeTakeFirst();
      return row === undefined ? null : RosterProposal.parse(JSON.parse(row.proposal));
    },
    async propose(content) {
      const proposal = JSON.stringify(content);
      await tables
        .insertInto('roster_proposal')
        .values({ id: 1, proposal })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ proposal }))
        .execute();
    },
    async withdraw() {
      await tables.deleteFrom('roster_proposal').execute();
    },
    adopt: (content) =>
      database.transaction(async (written) => {
        const { epoch } = content.roster;
        const signed = JSON.stringify(content);
        await written
          .insertInto('roster_epochs')
          .values({ epoch, signed })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        const adopted = await written
          .selectFrom('roster_epochs')
          .select('signed')
          .where('epoch', '=', epoch)
          .executeTakeFirstOrThrow();
        if (adopted.signed !== signed) {
          throw new RangeError(`Cannot adopt roster epoch ${epoch}: another process has adopted a different one.`);
        }
        await written.deleteFrom('roster_proposal').execute();
      }),
  };
}
