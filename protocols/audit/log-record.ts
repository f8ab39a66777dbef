/** One line of the coordinator's audit log: the hash of everything that happened in studies, who was admitted, what sites showed of their ledgers. */
import { hashOfJson, type Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { z } from 'zod';
import { Bytes32, Sha256, Slug, TimeMillis } from '../names.ts';
import type { StudyEvent } from '../round/events.ts';
import { SignedLedgerHead } from './egress-head.ts';
import { SignedPrivacyHead } from './privacy-head.ts';

const entries = [
  z.strictObject({
    kind: z.literal('study-event'),
    study: Sha256,
    /** In the study's journal, from 0. */
    position: z.int().min(0),
    /** Of the event (studyEventHash): the event itself stays in the journal. */
    event: Sha256,
  }),
  z.strictObject({ kind: z.literal('site-admitted'), site: Slug, signingKey: Bytes32 }),
  z.strictObject({ kind: z.literal('site-ledger'), site: Slug, ledger: SignedLedgerHead }),
  z.strictObject({ kind: z.literal('site-privacy-ledger'), site: Slug, ledger: SignedPrivacyHead }),
  /** That a site broke the protocol is proved by what is kept under this hash. */
  z.strictObject({ kind: z.literal('evidence'), site: Slug, evidence: Sha256 }),
] as const;

export const LogEntry = z.discriminatedUnion('kind', entries);
export type LogEntry = z.infer<typeof LogEntry>;

const links = { seq: z.int().min(0), atMillis: TimeMillis, prevHash: Sha256, hash: Sha256 };
const [studyEvent, siteAdmitted, siteLedger, sitePrivacyLedger, evidence] = entries;

export const LogRecord = z.discriminatedUnion('kind', [
  studyEvent.extend(links),
  siteAdmitted.extend(links),
  siteLedger.extend(links),
  sitePrivacyLedger.extend(links),
  evidence.extend(links),
]);
export type LogRecord = z.infer<typeof LogRecord>;

export function studyEventHash(event: StudyEvent): Sha256Hex {
  return hashOfJson('study-event/1', event);
}
