/**
 * One line of a site's egress ledger: what left the site, when, how much, why. Written and on the disk before the first
 * byte leaves. Every field is a number, a hash or a word of a closed list, so nothing personal fits in.
 */
import type { ChainRecord } from '@wardround/shared/crypto/hash-chain.ts';
import { z } from 'zod';
import { Sha256, Slug, TimeMillis } from '../names.ts';

/** Why something left. */
const EgressPurpose = z.enum(['enrolment', 'preparation', 'training', 'evaluation', 'progress', 'audit']);

/** What left. */
const EgressContent = z.enum([
  /** Public keys, and the invitation's secret sealed to the coordinator. */
  'public-keys',
  /** How many patients, series and slices can be used, why others cannot, and on which engine. */
  'data-counts',
  /** Why the site does not take part, as a reason code. */
  'reason-code',
  /** A piece of an update, sealed to the coordinator; masked before in studies with secure aggregation. */
  'sealed-update',
  /** Hash and length of a sealed update that follows, and its round. */
  'upload-announcement',
  /** A signed message of a secure-aggregation session: keys, sealed shares, hashes; loss, steps and samples beside the first. */
  'session-message',
  /** The update's hash, with loss, steps, samples and seconds. */
  'update-figures',
  /** Metrics and counts, sealed to the coordinator. */
  'sealed-evaluation',
  /** What a piece of work is at: counts, loss and speed. One record stands for all hints of a piece; it has the first one's bytes. */
  'progress-hints',
  /** The site's signature under the roster's next epoch. */
  'roster-approval',
  /** The site's signature under the head of the coordinator's log, with the head of this ledger. */
  'log-cosignature',
]);

export const EgressEntry = z.strictObject({
  purpose: EgressPurpose,
  what: EgressContent,
  /** Of the request's body, as it leaves. */
  bytes: z.int().min(0),
  sha256: Sha256,
  /** The fingerprint of the coordinator that it goes to. */
  destination: Sha256,
  study: Sha256.nullable(),
  stage: Slug.nullable(),
  round: z.int().min(1).nullable(),
  /** What the patients of the cohort have spent in all once this has left; null where no budget is kept. */
  epsilon: z.number().min(0).finite().nullable(),
});
export type EgressEntry = z.infer<typeof EgressEntry>;

/** What the sender of a message says of it; bytes, hash and destination follow from the message. */
export type EgressLabel = Pick<EgressEntry, 'purpose' | 'what'> &
  Partial<Pick<EgressEntry, 'study' | 'stage' | 'round' | 'epsilon'>>;

export const EgressRecord = EgressEntry.extend({
  seq: z.int().min(0),
  atMillis: TimeMillis,
  prevHash: Sha256,
  hash: Sha256,
});
export type EgressRecord = z.infer<typeof EgressRecord>;

/** The record to append, without its links. */
export function egressRecord(
  entry: EgressEntry,
  { seq, atMillis }: { readonly seq: number; readonly atMillis: number },
): ChainRecord {
  return { ...EgressEntry.parse(entry), seq, atMillis };
}
