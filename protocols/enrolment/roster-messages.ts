/**
 * How the roster travels.
 *
 *   GET  /v1/roster/EPOCH           -> RosterAnswer      the epochs after EPOCH (0 for all), and what waits for approval
 *   POST /v1/roster/approvals       RosterApprovalMessage -> Acknowledgement
 *   POST /v1/roster/rotations       KeyRotation -> Acknowledgement
 */
import { z } from 'zod';
import { Sha256 } from '../names.ts';
import { Roster, RosterApproval, SignedRoster } from './roster.ts';

export const RosterAnswer = z.strictObject({
  /** In order; not all of them when they are many: ask again with the last one's number. */
  epochs: z.array(SignedRoster),
  /** The number of the newest epoch, 0 when there is none. */
  newest: z.int().min(0),
  /** The epoch that waits for members' approval. */
  proposal: Roster.nullable(),
});
export type RosterAnswer = z.infer<typeof RosterAnswer>;

export const RosterApprovalMessage = z.strictObject({ roster: Sha256, approval: RosterApproval });
export type RosterApprovalMessage = z.infer<typeof RosterApprovalMessage>;
