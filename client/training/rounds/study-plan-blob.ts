/** Fetches a study's plan and believes it only when it is the plan that its hash names. */
import { readFile } from 'node:fs/promises';
import { planHash, StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { SiteLink } from '../../link/site-link.ts';
import { DeclineError } from '../decline-error.ts';
import type { Assignment } from './work-loop.ts';

/** 30,000 gene symbols and hundreds of clinical fields fit ten times over. */
const MAXIMUM_PLAN_BYTES = 16 << 20;

/** @throws {DeclineError} `plan-not-understood` or `plan-hash-mismatch`. */
export async function fetchPlan(
  link: Pick<SiteLink, 'download'>,
  { planBlob, study }: Pick<Assignment, 'planBlob' | 'study'>,
  signal: AbortSignal,
): Promise<StudyPlan> {
  const file = await link.download(planBlob, { maximumBytes: MAXIMUM_PLAN_BYTES, signal });
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch {
    throw new DeclineError('plan-not-understood', 'Cannot take part: the study plan is not JSON.');
  }
  const parsed = StudyPlan.safeParse(json);
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.map(String).join('.') || 'its top level';
    throw new DeclineError(
      'plan-not-understood',
      `Cannot take part: this client does not understand the study plan at ${where.slice(0, 100)}. A newer client may.`,
    );
  }
  if (planHash(parsed.data) !== study) {
    throw new DeclineError(
      'plan-hash-mismatch',
      'Cannot take part: the plan is not the one that the study is named after.',
    );
  }
  return parsed.data;
}
