/**
 * Checks that the coordinator contradicted itself: two documents of a session that it signed for one site and one address
 * (session/document-statement.ts). Pure and offline; it needs the coordinator's key as the site pinned it. Nothing that was
 * in the documents is in the evidence, and no site can make it up. A coordinator that was put back to an older copy may give
 * it in good faith: it has said both all the same.
 */
import { z } from 'zod';
import { Slug, TimeMillis } from '../names.ts';
import { DocumentStatement, isSignedDocument } from '../session/document-statement.ts';
import type { AuditFault } from './audit-fault.ts';

export const DocumentEvidence = z.strictObject({
  format: z.literal('wardround-document-evidence/1'),
  /** For whom both documents were. */
  site: Slug,
  /** When the second came, by the site's clock: nobody has signed that. */
  atMillis: TimeMillis,
  /** The first is the one that the site acted on. */
  statements: z.tuple([DocumentStatement, DocumentStatement]),
});
export type DocumentEvidence = z.infer<typeof DocumentEvidence>;

export type DocumentFinding =
  | {
      readonly ok: true;
      readonly site: string;
      readonly path: string;
      /** Hashes of the two. */
      readonly documents: readonly [string, string];
    }
  | { readonly ok: false; readonly fault: AuditFault };

/** @param signingKey the coordinator's, base64url. */
export function verifyDocumentEvidence(
  evidence: unknown,
  { signingKey }: { readonly signingKey: string },
): DocumentFinding {
  const parsed = DocumentEvidence.safeParse(evidence);
  if (!parsed.success) return fault('unreadable', 'The evidence is not two signed documents of a session.');
  const { site, statements } = parsed.data;
  const [first, second] = statements;
  if (first.path !== second.path) return fault('mismatch', 'The documents are of two addresses: both may be right.');
  if (!statements.every((statement) => isSignedDocument(statement, { site, signingKey }))) {
    return fault(
      'bad-signature',
      `The evidence has a document that the coordinator did not sign for the site ${site}.`,
    );
  }
  if (first.document === second.document) return fault('mismatch', 'Both say the same: it may be asked for twice.');
  return { ok: true, site, path: first.path, documents: [first.document, second.document] };
}

function fault(kind: AuditFault['kind'], sentence: string): DocumentFinding {
  return { ok: false, fault: { kind, sentence } };
}
