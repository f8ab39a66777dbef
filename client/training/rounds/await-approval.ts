/** Waits until the site's administrator has approved the study. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { type ApprovalRule, isApproved } from '../../policy/approvals.ts';

const LOOK_AGAIN_MILLIS = 1000;

export interface ApprovalWait {
  readonly folder: string;
  readonly rule: ApprovalRule;
  readonly signal: AbortSignal;
  /** Called once when the study is not approved yet. */
  readonly onWaiting: () => void;
  readonly lookAgainMillis?: number;
}

/** Resolves when the study is approved, at once if it is. It never is by waiting: the signal ends the wait. */
export async function awaitApproval(
  study: Sha256Hex,
  { folder, rule, signal, onWaiting, lookAgainMillis = LOOK_AGAIN_MILLIS }: ApprovalWait,
): Promise<void> {
  for (let waited = false; !(await isApproved(study, { folder, rule })); waited = true) {
    if (!waited) onWaiting();
    await delay(lookAgainMillis, undefined, { signal });
  }
}
