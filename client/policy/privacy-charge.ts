/** One entry of the privacy ledger: what was trained, and with which mechanism, before its result may leave the site. */
import { Sha256, Slug, TimeMillis } from '@wardround/protocols/names.ts';
import { z } from 'zod';

export const PrivacyCharge = z.strictObject({
  study: Sha256,
  stage: Slug,
  /** From 1. */
  round: z.int().min(1).max(10_000),
  /** The hash of what leaves. Sending the same bytes again tells nothing new and costs nothing. */
  release: Sha256,
  noiseMultiplier: z.number().positive().max(1e6),
  samplingRate: z.number().positive().max(1),
  steps: z.int().min(1).max(1_000_000_000),
});
export type PrivacyCharge = z.infer<typeof PrivacyCharge>;

/** The mechanism is kept and not its epsilon: epsilons of several releases do not simply add up, and delta may differ. */
export const PrivacyRecord = PrivacyCharge.extend({
  format: z.literal('wardround-privacy-charge/1'),
  seq: z.int().min(0),
  atMillis: TimeMillis,
  prevHash: Sha256,
  hash: Sha256,
});
export type PrivacyRecord = z.infer<typeof PrivacyRecord>;
