/**
 * How sites watch the coordinator's log.
 *
 *   GET  /v1/audit/checkpoint?from=SIZE   -> CheckpointAnswer
 *   POST /v1/audit/cosignature            CosignatureOffer -> Acknowledgement
 *
 * SIZE is the size of the newest checkpoint that the site has seen, 0 for none.
 */
import { z } from 'zod';
import { Bytes32 } from '../names.ts';
import { SignedLedgerHead } from './egress-head.ts';
import { SignedPrivacyHead } from './privacy-head.ts';

export const CheckpointAnswer = z.strictObject({
  /** The newest checkpoint's signed note; null before the first. */
  note: z.string().max(4000).nullable(),
  /** Shows that it begins with the log of size SIZE. Empty when that is not shorter. */
  consistency: z.array(Bytes32).max(64),
});
export type CheckpointAnswer = z.infer<typeof CheckpointAnswer>;

export const CosignatureOffer = z.strictObject({
  /** Of the checkpoint that is cosigned. */
  size: z.int().min(1),
  /** The line to put under its note. */
  cosignature: z.string().max(400),
  /** The head of the site's egress ledger, which the coordinator keeps so that the ledger cannot be put back unseen. */
  ledger: SignedLedgerHead,
  /** The head of its privacy ledger, where patients were charged at all: kept for the same reason. */
  privacy: SignedPrivacyHead.optional(),
});
export type CosignatureOffer = z.infer<typeof CosignatureOffer>;
