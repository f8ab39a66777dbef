/** Whether this site may do a piece of work: its policy's floors, its hours, and an approval that was not taken back. */
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { isRevoked } from '../../policy/approvals.ts';
import { requireFloors } from '../../policy/require-floors.ts';
import { readPolicy, type SitePolicy } from '../../policy/site-policy.ts';
import { spentBefore } from '../../policy/spent-before.ts';
import { isTrainingHour } from '../../policy/training-hours.ts';
import { DeclineError } from '../decline-error.ts';
import type { Assignment } from './work-loop.ts';

/** The reason of a site whose approval was taken back: it leaves the study, not only the round. */
export const APPROVAL_REVOKED = 'approval-revoked';

const LOOK_AGAIN_MILLIS = 1000;

/** Whether the policy's hours count for it. */
export function isTraining({ kind }: Assignment): boolean {
  return kind === 'train' || kind === 'evaluate';
}

interface Piece {
  readonly work: Assignment;
  readonly plan: StudyPlan;
}

/**
 * @returns the policy that permits it.
 * @throws {PolicyRefusedError | DamagedPolicyError | DeclineError}
 */
export async function requirePermission({ work, plan }: Piece, folder: string): Promise<SitePolicy> {
  const policy = await readPolicy(folder);
  const facts = await spentBefore(plan, folder);
  requireFloors(plan, policy, 'sites' in work ? { ...facts, sites: work.sites } : facts);
  if (await isRevoked(work.study, folder)) {
    throw new DeclineError(APPROVAL_REVOKED, 'Cannot take part: this site has revoked its approval of the study.');
  }
  return policy;
}

/** The same while the work is being done, with the hours. */
async function requireStillPermitted(piece: Piece, folder: string): Promise<void> {
  const { trainingHours } = await requirePermission(piece, folder);
  if (!isTraining(piece.work) || trainingHours === undefined) return;
  if (!isTrainingHour(trainingHours, Date.now())) {
    throw new DeclineError('policy-hours', 'Cannot go on: the training hours of this site’s policy are over.');
  }
}

/**
 * Does the work while it is permitted: what is changed at the site in the middle of it counts within a second or two.
 *
 * @throws what `requirePermission` throws, when that ended the work.
 */
export async function underPermission(
  piece: Piece,
  options: { readonly folder: string; readonly signal: AbortSignal; readonly lookAgainMillis?: number },
  perform: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { folder, signal, lookAgainMillis = LOOK_AGAIN_MILLIS } = options;
  const stop = new AbortController();
  const look = () =>
    requireStillPermitted(piece, folder).catch((error: unknown) => {
      stop.abort(error);
    });
  await requireStillPermitted(piece, folder);
  const timer = setInterval(look, lookAgainMillis);
  try {
    await perform(AbortSignal.any([signal, stop.signal]));
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    clearInterval(timer);
  }
}
