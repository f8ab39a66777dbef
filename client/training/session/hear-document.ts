/**
 * Asks for a step's document, and holds the coordinator to what it said first: the signed statement goes with the session's
 * state, so that nothing is acted on that is not kept. Another document for the same address ends the session here, and
 * both statements become evidence that anybody can check (protocols/audit/verify-document-evidence.ts).
 */
import type { SessionDocument, Work } from '@wardround/protocols/session/messages.ts';
import { documentEvidence } from '../../audit/audit-files.ts';
import type { SiteLink } from '../../link/site-link.ts';
import type { SiteLog } from '../../log/site-log.ts';
import { type KeptSession, keepSession } from '../../state/kept-session.ts';
import { writeStateFile } from '../../state/state-file.ts';
import { DeclineError } from '../decline-error.ts';

interface HearContext {
  readonly folder: string;
  readonly site: string;
  readonly link: Pick<SiteLink, 'sessionDocument'>;
  readonly log: SiteLog;
}

/** @throws {DeclineError} `document-changed`; the kept session is aborted then, unless it was revealed. */
export async function hearDocument(
  {
    work,
    signal,
  }: { readonly work: Omit<Extract<Work, { kind: 'secure-session' }>, 'kind'>; readonly signal: AbortSignal },
  kept: KeptSession,
  { folder, site, link, log }: HearContext,
): Promise<{ readonly document: SessionDocument; readonly kept: KeptSession }> {
  const { statement, ...document } = await link.sessionDocument(work, signal);
  const { said = [] } = kept;
  const first = said.find(({ path }) => path === statement?.path);
  // A coordinator of a release before this one signs none.
  if (statement == null || first?.document === statement.document) return { document, kept };
  if (first === undefined) return { document, kept: { ...kept, said: [...said, statement] } };
  await writeStateFile(folder, documentEvidence(first.path), {
    format: 'wardround-document-evidence/1',
    site,
    atMillis: Date.now(),
    statements: [first, statement],
  });
  const { study, stage, round, party } = kept;
  if (party !== null && party.phase !== 'revealed' && party.phase !== 'aborted') {
    const aborted = { phase: 'aborted', terms: party.terms, site, reason: 'document-changed' } as const;
    await keepSession(folder, { ...kept, party: aborted });
  }
  const { attempt, step } = work;
  log.error(
    { study, stage, round, attempt, step, reason: 'document-changed' },
    'The coordinator contradicts itself: left the session; what it signed is evidence in the folder audit',
  );
  throw new DeclineError(
    'document-changed',
    'Cannot go on with the session: the coordinator signed another document for this step before.',
  );
}
