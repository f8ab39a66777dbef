/**
 * How a member replays a round whose transcript the coordinator has kept. Both answers are what the coordinator says; the
 * messages are signed by their sites, and the vectors by the hashes in them.
 *
 *   GET /v1/studies/STUDY/stages/STAGE/rounds/ROUND/transcript?from=INDEX                        -> TranscriptPage
 *   GET /v1/studies/STUDY/stages/STAGE/rounds/ROUND/transcript/vectors/SITE?from=BYTE&bytes=N    -> bytes of its masked vector
 */
import { z } from 'zod';
import { SessionTerms, SiteMessage } from '../secure-aggregation/messages.ts';

/** The largest part of a vector that can be asked for at once: 2^20 words of 32 bits and a canary behind them. */
export const LARGEST_PIECE_BYTES = (4 << 20) + 1024;

export const TranscriptPage = z.strictObject({
  terms: SessionTerms,
  /** How many messages there are in all. */
  total: z.int().min(1).max(10_000),
  /** Those from INDEX on, at least one. */
  messages: z.array(SiteMessage).min(1).max(10_000),
});
export type TranscriptPage = z.infer<typeof TranscriptPage>;
