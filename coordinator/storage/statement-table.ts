/** What each site said first at the addresses at which a site speaks once: the signed request, without its body. */
import { SignedStatement } from '@wardround/protocols/audit/verify-evidence.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { Database } from './database.ts';

export interface StatementTable {
  /** Durable when it returns. What was said first stays. */
  keep(site: string, statement: SignedStatement): Promise<void>;
  find(site: string, path: string): Promise<SignedStatement | null>;
  /** Removes what was said in the study. */
  forget(study: Sha256Hex): Promise<void>;
}

export function createStatementTable({ tables }: Database): StatementTable {
  return {
    async keep(site, statement) {
      const row = { site, path: statement.path, statement: JSON.stringify(statement) };
      await tables
        .insertInto('statements')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    },
    async find(site, path) {
      const row = await tables
        .selectFrom('statements')
        .select('statement')
        .where('site', '=', site)
        .where('path', '=', path)
        .executeTakeFirst();
      return row === undefined ? null : SignedStatement.parse(JSON.parse(row.statement));
    },
    async forget(study) {
      await tables.deleteFrom('statements').where('path', 'like', `/v1/studies/${study}/%`).execute();
    },
  };
}
