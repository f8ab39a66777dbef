/** What proves that somebody broke the protocol: both of two messages that contradict each other, a share that does not fit. */
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { Selectable } from 'kysely';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

export interface Evidence {
  /** What it proves, as a stable code. */
  readonly kind: string;
  /** Whom it is about. */
  readonly site: string;
  /** Null when it is about no study. */
  readonly study: Sha256Hex | null;
  readonly recordedAtMillis: number;
  /** Enough for anybody to check it: signed messages as they came. */
  readonly document: unknown;
}

export interface StoredEvidence extends Evidence {
  /** Hash of all but the time. */
  readonly id: Sha256Hex;
}

export interface EvidenceTable {
  /** Durable when it returns. The same evidence again is not kept twice and keeps its first time. */
  record(evidence: Evidence): Promise<Sha256Hex>;
  find(id: Sha256Hex): Promise<StoredEvidence | null>;
  /** In the order in which it was recorded. */
  list(about?: { readonly site?: string; readonly study?: Sha256Hex }): Promise<StoredEvidence[]>;
}

export function createEvidenceTable({ tables }: Database): EvidenceTable {
  return {
    async record({ recordedAtMillis, ...content }) {
      const id = sha256Hex(`wardround/evidence/1\n${canonicalJson(content)}`);
      const { kind, site, study } = content;
      const document = canonicalJson(content.document);
      await tables
        .insertInto('evidence')
        .values({ id, kind, site, study, recorded_at_millis: recordedAtMillis, document })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      return id;
    },
    async find(id) {
      const row = await tables.selectFrom('evidence').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    async list({ site, study } = {}) {
      const rows = await tables
        .selectFrom('evidence')
        .selectAll()
        .$if(site !== undefined, (query) => query.where('site', '=', site ?? ''))
        .$if(study !== undefined, (query) => query.where('study', '=', study ?? ''))
        .orderBy('recorded_at_millis')
        .orderBy('id')
        .execute();
      return rows.map(fromRow);
    },
  };
}

function fromRow(row: Selectable<Tables['evidence']>): StoredEvidence {
  const { id, kind, site, study } = row;
  return { id, kind, site, study, recordedAtMillis: row.recorded_at_millis, document: JSON.parse(row.document) };
}
