/** The offered study that a person means, with its plan. */
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { readOfferedStudy } from '../../../state/offered-studies.ts';
import { UsageError } from '../../exit-codes.ts';
import { findStudy } from '../../find-study.ts';

/** @throws {UsageError} when no study with this hash was offered. */
export async function requireOffered(text: string, folder: string): Promise<{ study: Sha256Hex; plan: StudyPlan }> {
  const study = await findStudy(text, folder);
  const offered = await readOfferedStudy(folder, study);
  if (offered !== null) return { study, plan: offered.plan };
  throw new UsageError(
    'Cannot find the study: none with this hash was offered. "wardround-site study list" lists what is.',
  );
}

export const hashArgument = {
  type: 'positional',
  required: true,
  description: 'The plan hash or its first 8 digits',
} as const;
