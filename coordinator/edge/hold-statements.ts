/**
 * Keeps what a site has signed where it speaks once, and makes evidence of it when the site then says something else: both
 * signed requests, that anybody can check (protocols/audit/verify-evidence.ts), named in the audit log.
 */
import {
  EquivocationEvidence,
  isSpokenOnce,
  type SignedStatement,
} from '@wardround/protocols/audit/verify-evidence.ts';
import { refusals } from '@wardround/protocols/round/refusals.ts';
import { SIGNATURE_HEADERS } from '@wardround/shared/crypto/signed-request.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { RefusalError } from '../refusal-error.ts';
import { createInTurn, type InTurn } from '../rounds/in-turn.ts';
import type { EvidenceTable } from '../storage/evidence-table.ts';
import type { StatementTable } from '../storage/statement-table.ts';

export interface Statement {
  readonly site: string;
  readonly study: string;
  readonly signed: SignedStatement;
}

/** Hands the statement on to `take` and keeps it when it was accepted, before that is acknowledged. */
export type HoldStatement = <Answer>(statement: Statement, take: () => Promise<Answer>) => Promise<Answer>;

/** What a study calls it when a site contradicts itself. */
const EQUIVOCATION = 'equivocation';

export function createHoldStatement(parts: {
  readonly statements: StatementTable;
  readonly evidence: Pick<EvidenceTable, 'record' | 'list'>;
  readonly log: Pick<AuditLog, 'append'>;
  readonly coordinatorFingerprint: string;
  readonly now: () => number;
  readonly onTrouble: (error: unknown) => void;
}): HoldStatement {
  const { statements, evidence, log, coordinatorFingerprint, now, onTrouble } = parts;
  // What contradicts a statement must find it kept. (A second replica may not, once; the site's next attempt is evidence.)
  const turns = new Map<string, { readonly inTurn: InTurn; waiting: number }>();

  const makeEvidence = async ({ site, study, signed }: Statement): Promise<void> => {
    const first = await statements.find(site, signed.path);
    if (first === null || contentOf(first) === contentOf(signed)) return;
    // One contradiction proves it: a site cannot fill the table with more.
    if ((await evidence.list({ site, study })).some(({ document }) => pathOf(document) === signed.path)) return;
    const document: EquivocationEvidence = {
      format: 'wardround-equivocation/1',
      coordinator: coordinatorFingerprint,
      statements: [first, signed],
    };
    const id = await evidence.record({ kind: EQUIVOCATION, site, study, recordedAtMillis: now(), document });
    await log.append([{ kind: 'evidence', site, evidence: id }]).catch(onTrouble);
  };

  return async (statement, take) => {
    const { site, signed } = statement;
    // Another spelling of the address would be another address to whoever checks the evidence.
    if (!isSpokenOnce(signed.path)) {
      throw new RefusalError('not-found', { status: 404, message: 'There is nothing at this address.' });
    }
    const key = `${site} ${signed.path}`;
    const turn = turns.get(key) ?? { inTurn: createInTurn(), waiting: 0 };
    turns.set(key, turn);
    turn.waiting++;
    try {
      return await turn.inTurn(async () => {
        try {
          const answer = await take();
          await statements.keep(site, signed);
          const first = await statements.find(site, signed.path);
          if (first === null || contentOf(first) === contentOf(signed)) return answer;
          // The study took it for the same, as in an update's figures: the first stands all the same.
          throw new RefusalError(EQUIVOCATION, { status: 409, message: refusals[EQUIVOCATION] });
        } catch (error) {
          if (error instanceof RefusalError && error.code === EQUIVOCATION) await makeEvidence(statement);
          throw error;
        }
      });
    } finally {
      if (--turn.waiting === 0) turns.delete(key);
    }
  };
}

/** Evidence that was kept and not logged, because the coordinator was stopped in between. */
export async function logEvidence(evidence: Pick<EvidenceTable, 'list'>, log: Pick<AuditLog, 'append'>): Promise<void> {
  const kept = await evidence.list();
  if (kept.length > 0)
    await log.append(kept.map(({ id, site }) => ({ kind: 'evidence', site, evidence: id }) as const));
}

function pathOf(document: unknown): string | null {
  const parsed = EquivocationEvidence.safeParse(document);
  return parsed.success ? parsed.data.statements[0].path : null;
}

function contentOf({ headers }: SignedStatement): string {
  return headers[SIGNATURE_HEADERS.contentSha256];
}
